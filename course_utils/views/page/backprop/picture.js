// What the view of back-propagation shows, from what it is: see words.js for a scene.
import { forkOf } from "./fork.js";
import { directionOf, isDerivative, knownPlaces, numberAt } from "./steps.js";
import { isMoved, sources, traceLines } from "./words.js";

/**
 * { graph, fork, isDerivative, trace }: what Graph.draw() of graph.js shows; what drawFork() of
 * fork.js shows beside it, and whether that is of a derivative; and lines { strong, text }.
 */
export function picture(scene) {
  const { net, after, at, step, here, example } = scene;
  const numbers = knownPlaces(net, at, example).map((place) => (
    { ...place, value: numberAt(isMoved({ step, here: place }) ? after : net, place) }));
  const direction = step?.name === "step" ? "descent" : here && directionOf(here.name);
  const beside = here ?? { name: "y", i: example, j: 0 };
  return {
    graph: { numbers, here, from: sources(scene), quantity: step?.name, direction },
    fork: forkOf(net, beside, isMoved({ step, here: beside }) ? after : null),
    isDerivative: isDerivative(beside.name),
    trace: traceLines(scene),
  };
}
