// The two sidebars: their buttons get names, and what is off the screen cannot be tabbed into.
const SIDEBARS = {'sessions-bar': 'Sessions', 'settings-bar': 'Settings'};
function nameSidebars() {
  for (const [id, name] of Object.entries(SIDEBARS)) {
    const bar = document.getElementById(id), button = bar?.querySelector('.toggle-button'), content = bar?.querySelector('.sidebar-content');
    if (!button || !content || button.dataset.named) continue;
    button.dataset.named = name;
    button.title = name;
    const follow = () => {
      const open = bar.classList.contains('open');
      content.inert = !open;
      button.setAttribute('aria-label', (open ? 'Close ' : 'Open ') + name.toLowerCase());
      button.setAttribute('aria-expanded', String(open));
    };
    new MutationObserver(follow).observe(bar, {attributes: true, attributeFilter: ['class']});
    follow();
  }
}
new MutationObserver(nameSidebars).observe(document, {childList: true, subtree: true});
