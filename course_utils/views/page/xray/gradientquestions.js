// The questions that come before gradients are shown: each can be answered by thinking.

/** Those that fit a network, in order: { question, choices, solution, explain } for predict(). */
export function gradientQuestions(network) {
  return [poolingQuestion(network), reluQuestion(network), logitsQuestion(network)].filter(Boolean);
}

/** How many units before a max pooling can get a gradient at all. */
function poolingQuestion({ layers }) {
  const at = layers.findIndex(({ kind }) => kind === "maxPool2d");
  if (at < 1) return null;
  const [below, pool] = [layers[at - 1], layers[at]];
  const [units, windows] = [below, pool].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  if (windows >= units) return null;
  return {
    question: `${below.name} has ${units} units. At most how many get a gradient other than 0?`,
    solution: [windows],
    explain: `${pool.name} has ${pool.shape.join(" \u00d7 ")} windows, and each passes its `
      + "gradient to its largest value alone.",
  };
}

function reluQuestion({ layers }) {
  const relu = layers.find(({ kind }) => kind === "relu");
  if (!relu) return null;
  return {
    question: `A unit of ${relu.name} puts out 0. What gradient does it pass on to the weights `
      + "before it?",
    choices: ["0", "a small one", "a large one"],
    solution: "0",
    explain: "The gate is closed, and no gradient passes. A unit that puts out 0 for every "
      + "picture is dead: it learns nothing more.",
  };
}

function logitsQuestion({ classes }) {
  return {
    question: `The loss has ${classes.length} derivatives, one for each logit. What is their sum?`,
    solution: [0],
    explain: "They are p \u2212 y, and p and y each add up to 1.",
  };
}
