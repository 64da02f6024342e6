// A decision that a task of Airflow waits for is answered there: the task then records it and writes at once.
// Where no task waits (the flow ran outside Airflow), the form goes to Landbridge itself, as it does without this script.
addEventListener("submit", async (event) => {
  const form = event.target, askedBy = form.dataset.askedBy, chosen = event.submitter?.value;
  if (!askedBy || !chosen) return;
  event.preventDefault();
  const option = chosen[0].toUpperCase() + chosen.slice(1);
  const answer = await fetch(new URL(`../api/v2/${askedBy}`, document.baseURI), {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ chosen_options: [option], params_input: {} }),
  });
  if (answer.ok) {
    form.replaceChildren(`Answered: ${option}. The task carries it out now.`);
  } else {
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: "answer", value: chosen });
    form.append(field);
    form.submit();
  }
});
