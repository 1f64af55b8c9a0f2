// The slider of a front: every member is in the page, best first; the first within all limits is the answer.
for (const box of document.querySelectorAll(".front")) {
  const data = JSON.parse(box.querySelector("script").textContent);
  const sliders = [...box.querySelectorAll("input[type=range]")];
  const answer = box.querySelector(".answer"), picks = [...box.querySelectorAll("circle.pick")];
  const limit = (slider) => data.values[slider.dataset.cost][Number(slider.value)];
  const show = () => {
    for (const slider of sliders) {
      const text = `at most ${data.texts[slider.dataset.cost][Number(slider.value)]}`;
      slider.nextElementSibling.textContent = text;
      slider.setAttribute("aria-valuetext", text);
    }
    const at = data.members.findIndex((m) => sliders.every((s) => m.costs[s.dataset.cost] <= limit(s)));
    const found = data.members[at];
    answer.dataset.member = at;
    answer.replaceChildren();
    if (!found) { answer.textContent = "Nothing that was judged is within these limits."; }
    else {
      const code = document.createElement("code");
      code.textContent = found.architecture;
      answer.append(`${(100 * found.accuracy).toFixed(2)} % ${data.judged}${found.name ? `, from ${found.name}` : ""}: `, code,
        ` (${found.told})`);
    }
    for (const pick of picks) {
      pick.style.display = found ? "" : "none";
      if (found) { const [x, y] = found.places[pick.dataset.cost]; pick.setAttribute("cx", x); pick.setAttribute("cy", y); }
    }
  };
  sliders.forEach((slider) => slider.addEventListener("input", show));
  show();
}
