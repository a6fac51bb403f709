// A card in the bubble of each reply that holds a plan. The chat widget draws the bubbles anew whenever it likes, so they
// are looked at after each of its changes. Texts go through textContent, colours and numbers are checked.
// value: {cards: [{at, id, busy, replies: [at, of] or null, ground, boxes: [{box, color}], chips: [{text, color}], lines, pictures, gone}], ratio};
// one that is `bare` has only its replies: the way to the other replies to the last message.
const SVG = 'http://www.w3.org/2000/svg', turned = new Map(), drawn = new WeakMap();
let waits = false;

function draw() {
  waits = false;
  const value = {cards: [], ratio: [1, 1], ...(props.value || {})}, rows = document.querySelectorAll('#chat .message-row');
  const of = new Map(value.cards.map(card => [card.at, card]));
  rows.forEach((row, at) => place(row.querySelector('.message'), row.classList.contains('bot-row') ? of.get(at) : undefined, value.ratio));
}

function place(bubble, card, ratio) {
  if (!bubble) return;
  const old = bubble.querySelector(':scope > .rc'), says = JSON.stringify([card, ratio]);
  if (!card) { old?.remove(); bubble.classList.remove('carded', 'writing'); return; }
  bubble.closest('.message-row')?.querySelector('[data-testid=bot]')?.setAttribute('role', 'group'); // named, and its text is out of sight
  bubble.classList.toggle('carded', !card.bare);
  bubble.classList.toggle('writing', card.busy);
  if (old && drawn.get(old) === says) return;
  const made = cardOf(card, ratio), open = old?.querySelector('details')?.open && !old.classList.contains('busy');
  if (!card.bare) made.querySelector('details').open = Boolean(open);
  drawn.set(made, says);
  const held = old?.contains(document.activeElement) ? document.activeElement.getAttribute('aria-label') : '';
  queueMicrotask(() => { if (held) [...made.querySelectorAll('button')].find(one => one.getAttribute('aria-label') === held)?.focus({preventScroll: true}); });
  if (old) old.replaceWith(made); else bubble.prepend(made);
}

function node(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
const color = text => /^#[0-9a-f]{6}$/i.test(text) ? text : '#808080';

function cardOf(card, ratio) {
  const made = node('div', 'rc' + (card.busy ? ' busy' : '')), said = node('div', 'rc-said'), chips = node('ul', 'rc-chips');
  if (card.bare) { made.classList.add('bare'); made.append(replies(card.replies)); return made; }
  for (const one of card.chips) {
    const chip = node('li', 'rc-chip', one.text), dot = node('i', '');
    dot.style.background = color(one.color);
    chip.prepend(dot);
    chips.append(chip);
  }
  chips.setAttribute('aria-label', 'Regions');
  said.append(chips);
  if (card.lines.length) {
    const lines = node('ul', 'rc-lines');
    lines.setAttribute('aria-label', 'What changed');
    lines.append(...card.lines.map(line => node('li', '', line)));
    said.append(lines);
  }
  if (card.gone) said.append(node('p', 'rc-gone', card.gone));
  const code = node('details', 'rc-code');
  code.append(node('summary', '', 'Show code'));
  if (card.replies) said.append(replies(card.replies));
  made.append(face(card, ratio), said, code);
  return made;
}

function arrow(label, sign, act) {
  const button = node('button', '', sign);
  button.type = 'button'; button.title = label; button.setAttribute('aria-label', label);
  button.addEventListener('click', act);
  return button;
}

// Which reply to the last message this is, with the way to the others.
function replies([at, of]) {
  const made = node('div', 'rc-pages rc-replies'), back = arrow('The reply before', '‹', () => trigger('turn_over', {by: -1})), on = arrow('The next reply', '›', () => trigger('turn_over', {by: 1}));
  back.disabled = at <= 1; on.disabled = at >= of;
  made.setAttribute('role', 'group'); made.setAttribute('aria-label', 'Replies to this message');
  made.append(back, node('span', '', at + '/' + of), on, node('small', '', 'reply'));
  return made;
}

// The newest picture, with the way to those before it; the layout where nothing is painted yet.
function face(card, ratio) {
  const made = node('div', 'rc-face'), count = card.pictures.length;
  if (!count) { made.append(layout(card, ratio)); return made; }
  const picture = node('img', ''), pages = node('div', 'rc-pages'), told = node('span', '');
  const show = () => {
    const at = Math.min(turned.get(card.id)?.of === count ? turned.get(card.id).at : count - 1, count - 1);
    picture.src = card.pictures[at];
    picture.alt = 'Picture ' + (at + 1) + ' of ' + count + ' painted from this plan';
    told.textContent = (at + 1) + '/' + count;
    back.disabled = at < 1; on.disabled = at >= count - 1;
    return at;
  };
  const turn = by => { turned.set(card.id, {at: show() + by, of: count}); show(); };
  const back = arrow('The picture before', '‹', () => turn(-1)), on = arrow('The next picture', '›', () => turn(1));
  picture.loading = 'lazy';
  show();
  made.append(picture);
  if (count > 1) { pages.append(back, told, on); pages.setAttribute('role', 'group'); pages.setAttribute('aria-label', 'Pictures of this plan'); made.append(pages); }
  return made;
}

function shape(name, values) {
  const made = document.createElementNS(SVG, name);
  for (const key in values) made.setAttribute(key, values[key]);
  return made;
}

function layout(card, [width, height]) {
  const side = 90, tall = side * Math.min(Math.max(height / width || 1, .4), 2.5);
  const made = shape('svg', {viewBox: `0 0 ${side} ${tall}`, role: 'img', 'aria-label': 'Layout: ' + card.chips.map(chip => chip.text).join(', ')});
  made.append(shape('rect', {width: side, height: tall, fill: color(card.ground)}));
  for (const {box, color: fill} of card.boxes) {
    const [left, top, right, bottom] = box.map(Number);
    made.append(shape('rect', {x: left, y: top * tall / side, width: right - left, height: (bottom - top) * tall / side, rx: 1.5, fill: color(fill), 'fill-opacity': .82, stroke: '#fff', 'stroke-width': .8}));
  }
  return made;
}

const soon = () => { if (!waits) { waits = true; requestAnimationFrame(draw); } };
// The chat may come onto the page after this.
function follow(chat) {
  if (chat) new MutationObserver(soon).observe(chat, {subtree: true, childList: true});
  else requestAnimationFrame(() => follow(document.querySelector('#chat')));
}
follow(document.querySelector('#chat'));
watch('value', soon);
soon();

// ---- two tabs on one session -------------------------------------------------------------------------------------------
// What changes here is called out to the other tabs of this browser; one that shows the same session, and one that gets
// the focus, asks whether it is behind. A tab that watches a reply is not: it is shown as it grows.
const others = 'BroadcastChannel' in window ? new BroadcastChannel('omost') : null, QUIET_MS = 250;
let called = '', asks = 0;
const session = () => new URL(location).searchParams.get('session') || '';
const watching = () => (props.value?.cards || []).some(card => card.busy);
function call() {
  const version = props.value?.version || '';
  if (version && version !== called) others?.postMessage({session: session(), version});
  called = version;
}
function ask() {
  clearTimeout(asks);
  asks = setTimeout(() => { if (element.isConnected && !document.hidden && props.value?.version && !watching()) trigger('behind', {version: props.value.version}); }, QUIET_MS);
}
others?.addEventListener('message', ({data}) => { if (data?.session && data.session === session() && data.version !== props.value?.version) ask(); });
addEventListener('focus', ask);
document.addEventListener('visibilitychange', ask);
watch('value', call);
