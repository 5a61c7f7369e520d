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
    // The lines of the source that make a phase; a rule makes several.
    const source = section.closest("article").querySelectorAll(".source .line");
    const makes = (line, phase) => {
      const [first, last] = topology.phases[phase]?.lines ?? [];
      return first <= line && line <= last;
    };
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
    // Pointing at a line shows a phase that it makes.
    if (play) {
      for (const one of source) {
        one.addEventListener("pointerenter", () => {
          const line = Number(one.dataset.line);
          const made = phases.findIndex((_, phase) => makes(line, phase));
          if (made < 0 || makes(line, shown)) return;
          playing(false);
          show(made);
        });
      }
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
