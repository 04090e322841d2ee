"use strict";
addEventListener("beforeprint", () => { // paper cannot be opened
  for (const closed of document.querySelectorAll("details")) closed.open = true;
});
// The players: each draws the moments of a training that its JSON holds, and what is between them.
// #frame=5 in the address shows the moment 5 (from 0) of every player.
for (const player of document.querySelectorAll(".player")) {
  const data = JSON.parse(player.querySelector("script").textContent);
  const [canvas, button, slider, output] =
    ["canvas", ".play", "input", "output"].map((what) => player.querySelector(what));
  const last = data.moments.length - 1;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const seconds = 1; // from a moment to the next
  let playing = 0; // the number of the animation frame to come
  let before = 0;

  const mix = (a, b, share) => a + (b - a) * share;

  function roundLength(most) {
    const power = 10 ** Math.floor(Math.log10(most));
    return power * ([5, 2].find((step) => step * power <= most) || 1);
  }

  function draw() {
    const asked = Math.min(last, Math.max(0, Number(slider.value) || 0));
    const at = still.matches ? Math.round(asked) : asked; // nothing moves for who wants it so
    const i = Math.floor(at);
    const a = data.moments[i];
    const b = data.moments[Math.min(i + 1, last)];
    const share = at - i;
    const size = canvas.width;
    const style = getComputedStyle(player);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, size, size);
    for (let k = 0; k < data.labels.length; ++k) {
      if (a.x[k] < 0 || b.x[k] < 0) continue; // not finite: -1 both ways
      const x = mix(a.x[k], b.x[k], share) / 4095 * size;
      const y = (1 - mix(a.y[k], b.y[k], share) / 4095) * size;
      const colours = data.colours.length;
      context.fillStyle = data.colours[((data.labels[k] % colours) + colours) % colours];
      context.beginPath();
      context.arc(x, y, size / 200, 0, 2 * Math.PI);
      context.fill();
    }
    const side = Math.exp(mix(Math.log(a.side), Math.log(b.side), share));
    const length = roundLength(side / 2);
    context.strokeStyle = context.fillStyle = style.color;
    context.lineWidth = size / 240;
    context.beginPath();
    context.moveTo(0.04 * size, 0.96 * size);
    context.lineTo((0.04 + length / side) * size, 0.96 * size);
    context.stroke();
    context.font = `${size / 28}px system-ui, sans-serif`;
    context.fillText(String(Number(length.toPrecision(1))), 0.04 * size, 0.945 * size);
    const near = Math.round(at);
    output.textContent =
      `${data.moments[near].title}, step ${data.moments[near].step} (${near + 1} of ${last + 1})`;
    slider.setAttribute("aria-valuetext", output.textContent);
    player.dataset.frame = String(near);
  }

  function stop() {
    cancelAnimationFrame(playing);
    playing = 0;
    button.textContent = "Play";
    button.setAttribute("aria-pressed", "false");
    output.setAttribute("aria-live", "polite");
  }

  function show(moment) {
    stop();
    slider.value = moment;
    draw();
  }

  function advance(now) {
    const at = Number(slider.value) + Math.min(0.5, (now - before) / 1000 / seconds);
    before = now;
    slider.value = Math.min(last, at);
    draw();
    if (at >= last) return stop();
    playing = requestAnimationFrame(advance);
  }

  button.addEventListener("click", () => {
    if (playing) return stop();
    if (Number(slider.value) >= last) slider.value = 0;
    button.textContent = "Pause";
    button.setAttribute("aria-pressed", "true");
    output.setAttribute("aria-live", "off"); // not each picture read aloud
    before = performance.now();
    playing = requestAnimationFrame(advance);
  });
  slider.addEventListener("input", () => { stop(); draw(); });
  slider.addEventListener("keydown", (event) => { // from moment to moment
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    show(Math.min(last, Math.max(0, Math.round(Number(slider.value)) + by)));
  });

  function followAddress() {
    const asked = /[#&]frame=(\d+)/.exec(location.hash);
    if (asked) show(Math.min(last, Number(asked[1])));
  }
  addEventListener("hashchange", followAddress);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  player.hidden = false;
  draw();
  followAddress();
}
