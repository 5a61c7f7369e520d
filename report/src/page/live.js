// A served page: fetches itself again when its files or the values of its form change.
(() => {
  const here = new URL(location.href);
  const events = new EventSource(`/changes?token=${encodeURIComponent(here.searchParams.get("token"))}`);
  addEventListener("pagehide", () => events.close());

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
      end = start();
    } finally {
      asking = false;
      if (again) renew();
    }
  };
  events.addEventListener("message", renew);

  const form = document.querySelector("form.live");
  const { slider, size } = form.elements;
  const ask = (event) => {
    if (event.target === slider) size.value = slider.value;
    if (event.target === size) slider.value = size.value;
    for (const one of form.elements) if (one !== slider && one.value !== "") here.searchParams.set(one.name, one.value);
    history.replaceState(null, "", here);
    renew();
  };
  form.addEventListener("change", ask);
  slider.addEventListener("input", () => {
    size.value = slider.value;
  });
  form.addEventListener("submit", (event) => event.preventDefault());
})();
