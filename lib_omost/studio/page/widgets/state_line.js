// What came of the last reply, in one line. Texts go through textContent only.
const root = element.querySelector('.sl'), notes = root.querySelector('.sl-notes'), acts = root.querySelector('.sl-acts');
let said = {};
function draw() {
  const next = props.value || {}, value = said = {level: 'idle', text: '', figures: '', chips: [], notes: [], asks: false, again: 'Ask again', ...(next.keeps ? said : {}), ...next};
  root.dataset.level = value.level;
  root.querySelector('.sl-text').textContent = value.text;
  root.querySelector('.sl-figures').textContent = value.figures;
  acts.hidden = !value.asks;
  acts.querySelector('[data-act=ask_again]').textContent = value.again;
  root.querySelector('.sl-chips').replaceChildren(...value.chips.map(text => { const chip = document.createElement('button'); chip.type = 'button'; chip.textContent = text; return chip; }));
  notes.hidden = !value.notes.length;
  notes.querySelector('summary').textContent = value.notes.length === 1 ? '1 note' : value.notes.length + ' notes';
  notes.querySelector('ul').replaceChildren(...value.notes.map(text => { const row = document.createElement('li'); row.textContent = text; return row; }));
}
acts.addEventListener('click', e => {
  const act = e.target.dataset.act;
  if (act === 'ask_again') trigger('ask_again');
  if (act === 'edit_code') { trigger('edit_code'); document.querySelector('#code .cm-content')?.focus(); }
});
root.querySelector('.sl-chips').addEventListener('click', e => {
  if (e.target.tagName !== 'BUTTON') return;
  trigger('suggest', {text: e.target.textContent});
  document.querySelector('#message textarea')?.focus();
});
watch('value', draw);
draw();
