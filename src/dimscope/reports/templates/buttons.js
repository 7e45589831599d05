(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  const toggle = $("theme");
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => (toggle.textContent = isDark() ? "Light" : "Dark");
  toggle.hidden = false;
  toggle.setAttribute("aria-label", "Switch between dark and light");
  toggle.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  name();

  const copy = $("copy");
  if (copy) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      const code = $("command");
      try {
        await navigator.clipboard.writeText(code.textContent);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code); // no right to the clipboard: select, so that one key copies
        copy.textContent = "Selected";
      }
      setTimeout(() => (copy.textContent = "Copy"), 1600);
    });
  }
})();
