// Shows the buttons that copy what stands before them; without this script there
// are none.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = source.textContent.trim();
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = button.dataset.done;
      setTimeout(() => (button.textContent = label), 2000);
    } catch {
      // Not over plain http, and not without leave: marked, it is copied by hand.
      getSelection().selectAllChildren(source);
    }
  });
}
