"use strict";

const filter = document.getElementById("filter");
const articles = [...document.querySelectorAll("article[data-about]")];

function narrow() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const article of articles) {
    const fits = words.every((word) => article.dataset.about.includes(word));
    article.hidden = !fits;
    document.querySelector(`li[data-call="${article.id}"]`).hidden = !fits;
  }
}

filter.addEventListener("input", narrow);

if (navigator.clipboard) {
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
}
