"use strict";
// The page is complete without this script, which plays phases and highlights what belongs together. A served page calls
// `start` again after it has replaced its content; `start` returns a function that stops its timers.
const start = () => {
  const timers = new Set();
  const data = JSON.parse(document.getElementById("data").textContent);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const number = (x) => String(Math.round(x * 1e6) / 1e6);

  for (const section of document.querySelectorAll("section.topology")) {
    const file = data.files[section.closest("article").dataset.file];
    const topology = file.topologies[section.dataset.topology];
    const phases = [...section.querySelectorAll(".drawing .phase")];
    const [play, slider, output] = [".play", ".phase-slider", "output"].map((one) => section.querySelector(one));
    const [choice, row] = [".rank-choice", ".row"].map((one) => section.querySelector(one));
    const name = (rank) => (topology.names ? `${topology.names[rank]} (${rank})` : `rank ${rank}`);
    let shown = 0;
    let rank = null;
    let timer = null;
    // Rows and columns of entries of the matrix that are lit.
    let entries = [];

    const highlight = () => {
      for (const circle of section.querySelectorAll(".chosen, .peer")) circle.classList.remove("chosen", "peer");
      const phase = topology.phases[shown];
      if (rank === null || !phase.edges) return;
      const received = phase.edges.filter((edge) => edge[1] === rank);
      const sent = phase.edges.filter((edge) => edge[0] === rank);
      const list = (edges, at, word) => edges.map((edge) => `${number(edge[2])} ${word} ${name(edge[at])}`).join(", ") || "nothing";
      row.textContent = `${name(rank)} keeps ${number(phase.self_weights[rank])}, receives ${list(received, 0, "from")}; sends ${list(sent, 1, "to")}`;
      const mark = (who, how) => phases[shown].querySelector(`[data-rank="${who}"]`)?.classList.add(how);
      received.forEach((edge) => mark(edge[0], "peer"));
      sent.forEach((edge) => mark(edge[1], "peer"));
      mark(rank, "chosen");
    };
    // Dims the rounds and matrices of other phases. The last matrix is the product of a period, which stays.
    const matrices = section.querySelectorAll(".matrix [data-matrix]");
    const rounds = section.closest("article").querySelectorAll(`.round[data-topology="${section.dataset.topology}"]`);
    // Frames entries in the matrix of the phase that is shown, where it has cells of its own for them.
    const frame = () => {
      for (const one of section.querySelectorAll(".entry")) one.remove();
      const cells = section.querySelector(`.matrix [data-matrix="${shown}"] .cells`);
      if (!cells) return;
      const [x, y, side, rows] = [...["x", "y", "width"].map((key) => cells.getAttribute(key)), cells.dataset.rows].map(Number);
      for (const [i, j] of entries) {
        const one = cells.cloneNode();
        one.setAttribute("class", "entry");
        const place = { x: x + (j * side) / rows, y: y + (i * side) / rows, width: side / rows, height: side / rows, "pointer-events": "none" };
        for (const [key, value] of Object.entries(place)) one.setAttribute(key, value);
        cells.before(one);
      }
    };
    // The lines of the source that make a phase; a rule makes several.
    const source = section.closest("article").querySelectorAll(".source .line");
    const within = (line, [first, last]) => first <= line && line <= last;
    const statements = () => topology.phases[shown].statements ?? [];
    const makes = (line, phase) => within(line, topology.phases[phase]?.lines ?? []);
    const together = () => {
      for (const one of source) one.classList.toggle("made", makes(Number(one.dataset.line), shown));
      for (const one of matrices) one.classList.toggle("dim", Number(one.dataset.matrix) !== shown && Number(one.dataset.matrix) < phases.length);
      for (const one of rounds) one.classList.toggle("dim", Number(one.dataset.phase) !== shown);
    };
    const show = (phase) => {
      phases[shown].setAttribute("display", "none");
      shown = phase;
      phases[shown].removeAttribute("display");
      if (slider) {
        slider.value = phase;
        output.textContent = phase;
      }
      together();
      highlight();
      frame();
    };
    const choose = (one) => {
      rank = one;
      if (choice) choice.value = one ?? "";
      highlight();
    };
    const playing = (on) => {
      clearInterval(timer);
      timers.delete(timer);
      timer = on ? setInterval(() => show((shown + 1) % phases.length), 1200) : null;
      if (on) timers.add(timer);
      play.textContent = on ? "Pause" : "Play";
      play.setAttribute("aria-pressed", on);
      section.classList.toggle("playing", on);
    };
    const turn = (phase) => {
      if (play) playing(false);
      if (phase !== shown) show(phase);
    };
    const light = (lit) => {
      entries = lit;
      frame();
    };
    // Pointing at a line shows a phase that it makes, and its entries of the matrix.
    for (const one of source) {
      const line = Number(one.dataset.line);
      one.addEventListener("pointerenter", () => {
        const made = phases.findIndex((_, phase) => makes(line, phase));
        if (made >= 0) turn(makes(line, shown) ? shown : made);
        light(statements().filter(({ lines }) => within(line, lines)).flatMap((statement) => statement.entries));
      });
      one.addEventListener("pointerleave", () => light([]));
    }
    // Pointing at an entry shows its phase, its two ranks and the statements that make it.
    for (const cells of section.querySelectorAll(".matrix .cells")) {
      const phase = Number(cells.closest("[data-matrix]").dataset.matrix);
      if (phase >= phases.length) continue;
      const point = (event) => {
        const box = cells.getBoundingClientRect();
        const cell = (at, from, length) => Math.min(Math.max(Math.floor(((at - from) / length) * cells.dataset.rows), 0), cells.dataset.rows - 1);
        const [i, j] = [cell(event.clientY, box.top, box.height), cell(event.clientX, box.left, box.width)];
        turn(phase);
        light([[i, j]]);
        const makers = statements().filter((statement) => statement.entries.some(([to, from]) => to === i && from === j));
        for (const line of source) line.classList.toggle("lit", makers.some(({ lines }) => within(Number(line.dataset.line), lines)));
        choose(i);
        for (const circle of section.querySelectorAll(".peer")) circle.classList.toggle("peer", Number(circle.dataset.rank) === j);
        const { self_weights, edges } = topology.phases[shown];
        const weight = i === j ? self_weights[i] : (edges.find(([from, to]) => from === j && to === i)?.[2] ?? 0);
        row.textContent = i === j ? `${name(i)} keeps ${number(weight)}` : `${name(i)} takes ${number(weight)} from ${name(j)}`;
      };
      cells.addEventListener("pointermove", point);
      cells.addEventListener("pointerleave", () => {
        light([]);
        for (const line of source) line.classList.remove("lit");
        choose(null);
      });
    }
    if (play) {
      play.addEventListener("click", () => playing(timer === null));
      slider.addEventListener("input", () => {
        playing(false);
        show(Number(slider.value));
      });
      together();
      if (!still) playing(true);
    }
    if (choice) {
      const drawing = section.querySelector(".drawing");
      const pointed = (event) => {
        const circle = event.target.closest?.(".rank");
        if (circle) choose(Number(circle.dataset.rank));
      };
      drawing.addEventListener("pointerover", pointed);
      drawing.addEventListener("click", pointed);
      choice.addEventListener("input", () => {
        const typed = Number(choice.value);
        const exists = choice.value !== "" && Number.isInteger(typed) && typed >= 0 && typed <= Number(choice.max);
        rank = exists ? typed : null;
        highlight();
      });
    }
  }

  // Charts: their horizontal axis is enlarged by dragging over them, or by buttons.
  const nice = (rough) => {
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].find((step) => step * power >= rough) * power;
  };
  const seconds = (at) => {
    const units = [["s", 1], ["ms", 1e-3], ["µs", 1e-6], ["ns", 1e-9]];
    const [unit, size] = units.find(([, size]) => at >= size) ?? units.at(-1);
    return at === 0 ? "0" : `${Number((at / size).toPrecision(4))} ${unit}`;
  };
  const scales = {
    counts: { least: 1, name: number },
    doublings: { least: 1, name: (at) => number(2 ** at) },
    seconds: { least: 0, name: seconds },
  };
  for (const chart of document.querySelectorAll("figure .chart")) {
    const { least, name } = scales[chart.dataset.scale];
    const [low, high, left, width] = ["low", "high", "left", "width"].map((key) => Number(chart.dataset[key]));
    const plots = [...chart.querySelectorAll(".plot")];
    const groups = [...chart.querySelectorAll(".ticks")];
    const whole = groups.map((group) => [...group.children]);
    // The part of the axis that is shown, from 0 to 1.
    let [begin, end] = [0, 1];
    const ticks = (template) => {
      const [from, to] = [begin, end].map((place) => low + place * (high - low));
      const step = Math.max(least, nice((to - from) / 6));
      const made = [];
      for (let count = Math.ceil(from / step - 1e-9); count * step <= to; count += 1) {
        const at = count * step;
        const x = left + (width * (at - from)) / (to - from);
        for (const tag of ["line", "text"]) {
          const one = template.find((element) => element.localName === tag)?.cloneNode(true);
          if (!one) continue;
          for (const key of tag === "line" ? ["x1", "x2"] : ["x"]) one.setAttribute(key, x);
          if (tag === "text") one.textContent = name(at);
          made.push(one);
        }
      }
      return made;
    };
    const zoom = (from, to) => {
      const length = Math.min(1, Math.max(to - from, 1e-4));
      begin = Math.min(Math.max(from, 0), 1 - length);
      end = begin + length;
      for (const plot of plots) {
        const [y, height] = ["y", "height"].map((key) => plot.getAttribute(key));
        plot.setAttribute("viewBox", `${left + begin * width} ${y} ${length * width} ${height}`);
      }
      groups.forEach((group, k) => group.replaceChildren(...(length === 1 ? whole[k] : ticks(whole[k]))));
    };
    const controls = document.createElement("div");
    controls.className = "controls zoom";
    for (const [label, from, to] of [["Zoom in", 0.25, 0.75], ["Zoom out", -0.5, 1.5], ["Left", -0.5, 0.5], ["Right", 0.5, 1.5], ["Whole", -Infinity, Infinity]]) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: label });
      button.addEventListener("click", () => {
        const length = end - begin;
        if (to === Infinity) zoom(0, 1);
        else zoom(begin + from * length, begin + to * length);
      });
      controls.append(button);
    }
    chart.closest("figure").prepend(controls);
    const place = (event) => {
      const box = plots[0].getBoundingClientRect();
      return (event.clientX - box.left) / box.width;
    };
    let brush = null;
    const picture = chart.ownerSVGElement;
    picture.addEventListener("pointerdown", (event) => {
      const start = place(event);
      if (event.button !== 0 || start < 0 || start > 1) return;
      event.preventDefault();
      const rectangle = document.createElementNS(picture.namespaceURI, "rect");
      rectangle.classList.add("brush");
      const last = plots.at(-1);
      rectangle.setAttribute("y", plots[0].getAttribute("y"));
      rectangle.setAttribute("height", Number(last.getAttribute("y")) + Number(last.getAttribute("height")) - Number(plots[0].getAttribute("y")));
      chart.append(rectangle);
      picture.setPointerCapture(event.pointerId);
      brush = { start, rectangle };
    });
    const range = (event) => [brush.start, Math.min(Math.max(place(event), 0), 1)].sort((a, b) => a - b);
    picture.addEventListener("pointermove", (event) => {
      if (!brush) return;
      const [from, to] = range(event);
      brush.rectangle.setAttribute("x", left + from * width);
      brush.rectangle.setAttribute("width", (to - from) * width);
    });
    const release = (event) => {
      if (!brush) return;
      const [from, to] = range(event);
      brush.rectangle.remove();
      brush = null;
      const length = end - begin;
      if (event.type === "pointerup" && to - from > 0.01) zoom(begin + from * length, begin + to * length);
    };
    picture.addEventListener("pointerup", release);
    picture.addEventListener("pointercancel", release);
    picture.addEventListener("dblclick", () => zoom(0, 1));
  }

  // A claim and its line of the source.
  for (const article of document.querySelectorAll("article")) {
    const light = (line, on) => {
      for (const one of article.querySelectorAll(`[data-line="${line}"]`)) one.classList.toggle("lit", on);
    };
    for (const one of article.querySelectorAll("[data-line]")) {
      one.addEventListener("pointerenter", () => light(one.dataset.line, true));
      one.addEventListener("pointerleave", () => light(one.dataset.line, false));
    }
  }
  document.documentElement.dataset.ready = "";
  return () => timers.forEach(clearInterval);
};
let end = start();
