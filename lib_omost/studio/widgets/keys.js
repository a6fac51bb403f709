// Shortcuts of the whole page: Ctrl+Enter renders, Esc stops what runs, Ctrl+S in the code pane applies the code.
document.addEventListener('keydown', event => {
  const command = event.ctrlKey || event.metaKey;
  const press = selector => { const button = document.querySelector(selector); if (button && !button.disabled) button.click(); return button && !button.disabled; };
  let done = false;
  if (command && event.key === 'Enter') done = press('#render');
  else if (event.key === 'Escape') done = press('#message button.stop-button') || press('#stop-render');
  else if (command && event.key === 's' && event.target instanceof Element && event.target.closest('#code')) done = press('#apply');
  if (done) { event.preventDefault(); event.stopImmediatePropagation(); }
}, true);
