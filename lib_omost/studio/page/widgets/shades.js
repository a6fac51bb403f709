// Light or dark, by a switch in the head; without a choice as the system has it. Gradio's own way, a word in the address, wins.
const KEY = 'omost-shade';
const asked = () => new URLSearchParams(location.search).has('__theme') ? '' : localStorage.getItem(KEY) || '';
const isDark = () => document.body.classList.contains('dark');
function apply() {
  const wanted = asked();
  if (wanted && isDark() !== (wanted === 'dark')) document.body.classList.toggle('dark', wanted === 'dark');
  const button = document.getElementById('shade');
  if (!button) return;
  button.textContent = isDark() ? 'Light' : 'Dark';
  button.title = 'Show the page in ' + (isDark() ? 'light' : 'dark') + ' colours';
}
function hang() {
  const head = document.getElementById('head');
  if (!head || document.getElementById('shade')) return;
  const button = document.createElement('button');
  button.id = 'shade'; button.type = 'button';
  button.addEventListener('click', () => {
    const next = isDark() ? 'light' : 'dark';
    localStorage.setItem(KEY, next);
    document.body.classList.toggle('dark', next === 'dark');
    apply();
  });
  head.append(button);
  apply();
}
function begin() {
  new MutationObserver(apply).observe(document.body, {attributes: true, attributeFilter: ['class']});
  new MutationObserver(hang).observe(document.body, {childList: true, subtree: true});
  apply(); hang();
}
if (document.body) begin(); else document.addEventListener('DOMContentLoaded', begin);
