// Files dropped anywhere on the page: a ZIP goes to the box that imports it, all else to the one that restores a picture's plan, which says what it cannot open.
const BOXES = [[/\.zip$/i, '#import', ''], [/./, '#drop', '#open-box > button']];
const carriesFiles = event => [...(event.dataTransfer?.types || [])].includes('Files');
// A closed accordion has nothing in it: it is opened, and the box awaited.
function boxFor(selector, opener) {
  const find = () => document.querySelector(selector + ' input[type=file]');
  if (find() || !opener) return Promise.resolve(find());
  return new Promise(resolve => {
    const watch = new MutationObserver(() => { if (find()) { watch.disconnect(); resolve(find()); } });
    watch.observe(document.body, {childList: true, subtree: true});
    document.querySelector(opener)?.click();
  });
}
document.addEventListener('dragover', event => { if (carriesFiles(event)) event.preventDefault(); });
document.addEventListener('drop', async event => {
  if (!carriesFiles(event)) return;
  const file = event.dataTransfer.files[0];
  const over = event.target instanceof Element && event.target.closest('#drop, #import');
  event.preventDefault();  // else the browser leaves the page to show the file
  const box = !over && file && BOXES.find(([name]) => name.test(file.name));
  if (!box) return;
  const input = await boxFor(box[1], box[2]), files = new DataTransfer();
  if (!input) return;
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event('change', {bubbles: true}));
});
