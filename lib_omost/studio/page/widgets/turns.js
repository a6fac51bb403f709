// One session is opened at a time: a press while another is being opened waits for that answer, which would else come last
// and be what is seen. A server that does not answer holds nobody up for longer than this.
const LONGEST_MS = 10000;
let last = Promise.resolve(), free = () => {};
window.omostTurn = {
  take: async () => {
    const before = last;
    let mine;
    last = new Promise(resolve => { mine = resolve; });
    await Promise.race([before, new Promise(resolve => setTimeout(resolve, LONGEST_MS))]);
    free = mine;
  },
  leave: () => free(),
};
