// A server that was started anew does not know which session this tab shows: the page is loaded again, which brings all of it back.
const DRAFT = 'omost-draft', LOOK_EVERY_MS = 3000;
let server = null;
async function look() {
  if (document.hidden) return;
  const answer = await fetch('gradio_api/app_id').catch(() => null);
  const now = answer?.ok ? await answer.text() : server;
  if (server !== null && now !== server) location.reload();
  server = now;
}
setInterval(look, LOOK_EVERY_MS);
document.addEventListener('visibilitychange', look);
look();
// Whoever loads the page anew, gradio too after a lost connection: what was typed stays. Before the box is open it holds nothing yet.
addEventListener('pagehide', () => {
  const box = document.querySelector('#message textarea');
  if (box?.value) sessionStorage.setItem(DRAFT, box.value);
  else if (box && !box.disabled) sessionStorage.removeItem(DRAFT);
});
// What was typed and not sent yet.
const draft = sessionStorage.getItem(DRAFT);
if (draft) {
  const watch = new MutationObserver(() => {
    const box = document.querySelector('#message textarea:not([disabled])');
    if (!box) return;
    watch.disconnect();
    sessionStorage.removeItem(DRAFT);
    box.value = draft;
    box.dispatchEvent(new Event('input', {bubbles: true}));
  });
  watch.observe(document, {childList: true, subtree: true, attributes: true, attributeFilter: ['disabled']});
}
