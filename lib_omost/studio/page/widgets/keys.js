// Shortcuts of the whole page: Ctrl+Z and Ctrl+Shift+Z undo and redo where no text is being typed, Ctrl+Enter renders, Esc stops what runs, Ctrl+S in the code pane applies the code.
// What is being typed in the plan's form is taken over when its field is left.
const settle = () => { const field = document.activeElement?.closest('.re-form [data-key]'); if (field) { field.blur(); field.focus({preventScroll: true}); } };
const typing = node => node instanceof Element && (node.isContentEditable || node.closest('textarea, input:not([type=range], [type=checkbox], [type=radio], [type=button], [type=color])'));
document.addEventListener('keydown', event => {
  const command = event.ctrlKey || event.metaKey;
  const press = selector => { const button = document.querySelector(selector); if (button && !button.disabled) button.click(); return button && !button.disabled; };
  let done = false;
  if (command && event.key === 'Enter') { settle(); done = press('#render'); }
  else if (command && event.key.toLowerCase() === 'z' && !typing(event.target)) { press(event.shiftKey ? '#editor [data-act=redo]' : '#editor [data-act=undo]'); done = true; }
  else if (command && event.key === 'y' && !typing(event.target)) { press('#editor [data-act=redo]'); done = true; }
  else if (event.key === 'Escape') done = press('#message button.stop-button') || press('#stop-render');
  else if (command && event.key === 's' && event.target instanceof Element && event.target.closest('#code')) done = press('#apply');
  if (done) { event.preventDefault(); event.stopImmediatePropagation(); }
}, true);
