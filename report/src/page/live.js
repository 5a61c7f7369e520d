// A served page: asks for itself again when its files change or its reader wants other values.
(() => {
  const here = new URL(location.href);
  const events = new EventSource(`/changes?token=${encodeURIComponent(here.searchParams.get("token"))}`);
  events.addEventListener("message", () => location.reload());
  addEventListener("pagehide", () => events.close());

  const form = document.querySelector("form.live");
  const { slider, size } = form.elements;
  slider.addEventListener("input", () => {
    size.value = slider.value;
  });
  const ask = () => {
    for (const one of form.elements) if (one !== slider && one.value !== "") here.searchParams.set(one.name, one.value);
    location.replace(here);
  };
  form.addEventListener("change", ask);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
})();
