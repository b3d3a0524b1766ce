// Shows the buttons that copy what stands before them; without this script there
// are none.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const [label, name] = [button.textContent, button.getAttribute("aria-label")];
  const say = (text, spoken) => {
    button.textContent = text;
    button.setAttribute("aria-label", spoken);
  };
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = source.textContent.trim();
    try {
      await navigator.clipboard.writeText(text);
      say(button.dataset.done, button.dataset.done);
      setTimeout(() => say(label, name), 2000);
    } catch {
      // Not over plain http, and not without leave: marked, it is copied by hand.
      getSelection().selectAllChildren(source);
    }
  });
}
