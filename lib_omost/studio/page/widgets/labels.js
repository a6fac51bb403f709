// Names and roles for parts of gradio's own widgets that come without, so that a screen reader can tell what they are.
const LABELS = [
  ['#picture .image-container > button:not([aria-label]), #chat .image-container > button:not([aria-label])', {'aria-label': 'The picture'}],
  ['#chat .examples[role=list]', {role: 'group', 'aria-label': 'Examples'}],
  ['.empty[aria-label]:not([role])', {role: 'img'}],
  ['#chat pre:not([tabindex])', {tabindex: '0'}],
  ['#code .cm-scroller[tabindex="-1"]', {tabindex: '0'}],
];
// At once, in the same task as the change: a screen reader never meets a part without its name.
new MutationObserver(() => {
  for (const [selector, names] of LABELS) {
    for (const node of document.querySelectorAll(selector)) Object.entries(names).forEach(([name, value]) => node.setAttribute(name, value));
  }
  darken();
}).observe(document, {childList: true, subtree: true});

// The code editor's light colours are too pale to read (contrast below 4.5 on white): each is darkened as far as it needs.
const luminance = rgb => rgb.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const PALE = 1.05 / 4.7 - .05;
const darkened = new WeakMap();  // sheet -> its number of rules then, and the first of them, which a rewritten sheet has anew
function darken() {
  if (!document.body || document.body.classList.contains('dark') || !document.querySelector('#code .cm-line span')) return;
  for (const sheet of [...document.adoptedStyleSheets, ...document.styleSheets]) {
    if (sheet.href) continue;
    const [count, first] = darkened.get(sheet) || [], {length, 0: top} = sheet.cssRules;
    if (count === length && first === top) continue;
    darkened.set(sheet, [length, top]);
    for (const rule of sheet.cssRules) {
      const rgb = /^\.ͼ\w+$/.test(rule.selectorText || '') && (rule.style.color.match(/\d+/g) || []).slice(0, 3).map(Number);
      if (!rgb || rgb.length < 3) continue;
      let shade = rgb;
      while (luminance(shade) > PALE) shade = shade.map(v => v * .94);
      if (shade !== rgb) rule.style.color = 'rgb(' + shade.map(Math.round).join(', ') + ')';
    }
  }
}
