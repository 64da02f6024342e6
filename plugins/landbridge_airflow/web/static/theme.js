// Follows Airflow's own light or dark, which the frame around this page knows.
(() => {
  const follow = () => {
    let dark = matchMedia("(prefers-color-scheme: dark)").matches;
    try {
      const around = parent.document.documentElement;
      if (around.classList.contains("dark")) dark = true;
      if (around.classList.contains("light")) dark = false;
    } catch { /* opened on its own, or framed by a page that does not show itself */ }
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  };
  follow();
  addEventListener("storage", follow);
})();
