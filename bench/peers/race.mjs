/** Runs works in turn and says how long each took; prints rows of claims. */

/** Of some times. */
export function quartiles(times) {
  const sorted = times.toSorted((left, right) => left - right)
  const at = (share) => sorted[Math.floor((sorted.length - 1) * share)]
  return { low: at(0.25), median: at(0.5), high: at(0.75) }
}

/** Each of the works `rounds` times, in turn, after two rounds that do not count. */
export async function race(rounds, ...works) {
  const times = works.map(() => [])
  for (let round = -2; round < rounds; round += 1) {
    for (const [index, work] of works.entries()) {
      const start = performance.now()
      await work()
      if (round >= 0) times[index].push(performance.now() - start)
    }
  }
  return times.map(quartiles)
}

/** Median and quartiles. */
export const show = ({ low, median, high }) =>
  `${median.toFixed(1)} ms (${low.toFixed(1)} to ${high.toFixed(1)})`

/** Rows of claim, ours, peer, ratio, limit, held; true when all held. */
export function printTable(rows) {
  console.log(`Node ${process.version}, ${process.arch}, ${new Date().toISOString().slice(0, 10)}\n`)
  console.log('| claim | ours | peer | value | limit | holds |\n|---|---|---|---|---|---|')
  for (const cells of rows) {
    const held = cells.at(-1)
    console.log(`| ${cells.slice(0, -1).join(' | ')} | ${held ? 'yes' : 'NO'} |`)
  }
  return rows.every((cells) => cells.at(-1))
}
