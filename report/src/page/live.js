// A served page: fetches itself again when its files or the values of its form change.
(() => {
  const here = new URL(location.href);
  const events = new EventSource(`/changes?token=${encodeURIComponent(here.searchParams.get("token"))}`);
  addEventListener("pagehide", () => events.close());
  const form = () => document.querySelector("form.live");
  const fields = (form) => [...form.elements].map((one) => one.name || one.dataset.field).join();

  // One request at a time; changes during a request cause one more after it.
  let [asking, again] = [false, false];
  const renew = async () => {
    again = asking;
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(here, { cache: "no-store" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      end();
      document.title = page.title;
      for (const part of ["header", "main", "#data"]) document.querySelector(part).replaceWith(page.querySelector(part));
      // The form stays, so that a slider keeps the pointer, unless the source has other parameters now. A source that is
      // refused has none: the fields stay for when it compiles again.
      const next = page.querySelector("form.live");
      if (fields(next) !== fields(form()) && !page.querySelector(".diagnostics")) form().replaceWith(next);
      end = start();
    } finally {
      asking = false;
      if (again) renew();
    }
  };
  events.addEventListener("message", renew);

  // A slider and the field that is sent follow each other.
  const partner = (one) => (one.dataset.field ? one.form.elements[one.dataset.field] : one.form.querySelector(`[data-field="${CSS.escape(one.name)}"]`));
  const follow = (one) => {
    const other = partner(one);
    if (!other) return;
    if (one.type === "checkbox") other.value = String(one.checked);
    else if (other.type === "checkbox") other.checked = one.value === "true";
    else other.value = one.value;
  };
  const inForm = (event) => event.target.form?.classList.contains("live");
  addEventListener("input", (event) => inForm(event) && follow(event.target));
  addEventListener("change", (event) => {
    if (!inForm(event)) return;
    follow(event.target);
    for (const one of form().elements) {
      if (!one.name) continue;
      if (one.value === "") here.searchParams.delete(one.name);
      else here.searchParams.set(one.name, one.value);
    }
    history.replaceState(null, "", here);
    renew();
  });
  addEventListener("submit", (event) => event.preventDefault());
})();
