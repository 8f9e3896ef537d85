/** The access log as a picture: when keys were brought to a device, wrong PINs were entered, and devices came. */
import type { AccessEvent } from 'keyhaven/sync'
import { useId } from 'react'
import type { ReactNode } from 'react'
import { sayDate, useTexts } from '../texts/use-texts.ts'

/** Rows of the picture, each with a shape of its own besides its colour. */
const LANES = ['restores', 'wrong', 'devices'] as const
type Lane = (typeof LANES)[number]

const SHAPES: Readonly<Record<Lane, string>> = {
  restores: 'M0-11a11 11 0 1 0 .01 0z',
  wrong: 'M0-13L13 0L0 13L-13 0z',
  devices: 'M-10-10H10V10H-10z',
}
const LANE_HEIGHT = 64
/** What happens within one of so many parts of the time is one mark with a number. */
const PARTS = 12

interface Mark {
  /** 0, the oldest event, to 1, the newest. */
  readonly at: number
  readonly count: number
}

/** True where a PIN was entered and the right one did not follow; `events` are newest first. */
export function isWrongPin(event: AccessEvent, events: readonly AccessEvent[]): boolean {
  if (event.type !== 'guess_used') return false
  const next = events.findLast(
    ({ sequence, deviceId, type }) =>
      sequence > event.sequence &&
      deviceId === event.deviceId &&
      (type === 'guess_used' || type === 'share_recovered'),
  )
  return next?.type !== 'share_recovered'
}

export function Timeline({ events }: { readonly events: readonly AccessEvent[] }): ReactNode {
  const { security: words } = useTexts()
  const label = useId()
  const [newest, oldest] = [events[0], events.at(-1)]
  if (newest === undefined || oldest === undefined) return null
  const found = sortIntoLanes(events)
  return (
    <figure className="timeline">
      <svg role="img" aria-labelledby={label} width="100%" height={LANES.length * LANE_HEIGHT}>
        {LANES.map((lane, index) => (
          <g key={lane} className={lane} transform={`translate(0 ${String(index * LANE_HEIGHT)})`}>
            <text y="20">{words.timeline[lane]}</text>
            <line x1="0" x2="100%" y1="42" y2="42" />
            {placeMarks(found[lane], Date.parse(oldest.at), Date.parse(newest.at)).map(({ at, count }) => (
              <svg key={at} x={`${String(5 + 90 * at)}%`} y="42" overflow="visible">
                <path d={SHAPES[lane]} />
                {count > 1 && <text className="count">{count}</text>}
              </svg>
            ))}
          </g>
        ))}
      </svg>
      <div className="ends" aria-hidden="true">
        <span>{sayDate(oldest.at)}</span>
        <span>{sayDate(newest.at)}</span>
      </div>
      <figcaption id={label}>
        {[
          words.timeline.says(sayDate(oldest.at), sayDate(newest.at)),
          ...LANES.map((lane) => words.timeline.times(words.timeline[lane], found[lane].length)),
        ].join(' ')}
      </figcaption>
    </figure>
  )
}

function sortIntoLanes(events: readonly AccessEvent[]): Readonly<Record<Lane, readonly AccessEvent[]>> {
  const went = events.filter(({ success }) => success)
  return {
    restores: went.filter(({ type }) => type === 'keys_restored'),
    wrong: events.filter((event) => isWrongPin(event, events)),
    devices: went.filter(({ type }) => type === 'device_added'),
  }
}

function placeMarks(events: readonly AccessEvent[], from: number, to: number): readonly Mark[] {
  const counts = new Map<number, number>()
  for (const { at } of events) {
    const share = to === from ? 1 : (Date.parse(at) - from) / (to - from)
    const place = Math.round(share * PARTS) / PARTS
    counts.set(place, (counts.get(place) ?? 0) + 1)
  }
  return [...counts].map(([at, count]) => ({ at, count }))
}
