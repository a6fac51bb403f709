// A bar with one line of text: how far a render is.
function draw() {
  const {text = '', figures = '', share = 0} = props.value || {}, percent = Math.round(100 * Math.max(0, Math.min(1, share)));
  element.querySelector('.pg-text').textContent = text;
  element.querySelector('.pg-figures').textContent = figures;
  element.querySelector('.pg-fill').style.width = percent + '%';
  element.querySelector('.pg-track').setAttribute('aria-valuenow', percent);
}
watch('value', draw);
draw();
