// A few pictures over the canvas, of which one is chosen: shown large when it is pressed or has the focus, taken by a press.
const root = element.querySelector('.ch'), row = root.querySelector('.ch-row');
function draw() {
  const {title = '', before = '', pictures = []} = props.value || {};
  root.hidden = !pictures.length;
  root.querySelector('.ch-title').textContent = title;
  const none = root.querySelector('.ch-none');
  none.textContent = 'Keep the one before'; none.dataset.id = before;
  row.replaceChildren(...pictures.map(({id, source}, at) => {
    const button = document.createElement('button'), image = document.createElement('img');
    button.type = 'button'; button.dataset.id = id; button.title = 'Take variation ' + (at + 1);
    button.setAttribute('aria-label', 'Take variation ' + (at + 1) + ' of ' + pictures.length);
    image.src = source; image.alt = '';
    button.append(image);
    return button;
  }));
}
// What is looked at lies on the canvas; the gallery's large picture stays what it was until one is taken.
function peek(event) {
  const source = event?.target.closest?.('.ch-row button')?.querySelector('img').src || '';
  document.dispatchEvent(new CustomEvent('omost-peek', {detail: source}));
}
for (const name of ['pointerover', 'focusin']) row.addEventListener(name, peek);
for (const name of ['pointerleave', 'focusout']) row.addEventListener(name, () => peek());
root.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  peek();
  root.hidden = true;
  trigger('choose', {id: button.dataset.id});
});
watch('value', draw);
draw();
