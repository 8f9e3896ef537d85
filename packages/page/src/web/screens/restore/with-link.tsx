/** This device asks one that has the keys to be let in: by a picture that it scans, or by digits that both show. */
import { isKeyhavenError } from 'keyhaven'
import type { Progress } from 'keyhaven/sync'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { CompareDigits, useDigits } from '../../components/compare-digits.tsx'
import { Notice, Title } from '../../components/parts.tsx'
import { Picture } from '../../components/picture.tsx'
import { useWork } from '../../components/use-work.ts'
import { useTexts } from '../../texts/use-texts.ts'
import type { RestoreInput } from '../restore.tsx'
import { Steps } from '../steps.tsx'

export function WithLink({ device, ways, onRestored }: RestoreInput): ReactNode {
  const { again, link: words, without } = useTexts()
  const [code, setCode] = useState<string>()
  const [ended, setEnded] = useState<string>()
  const [saidYes, setSaidYes] = useState(false)
  const [progress, setProgress] = useState<Progress>()
  const running = useRef<AbortController>(undefined)
  const { asked, ask } = useDigits()
  const work = useWork()
  const offer = (): void => {
    running.current?.abort()
    const { signal } = (running.current = new AbortController())
    work.run(
      async () => {
        const outcome = await device.sync.offerLink({
          signal,
          onCode: setCode,
          onProgress: setProgress,
          confirm: async (digits) => {
            setCode(undefined)
            const same = await ask({ digits, label: undefined, signal })
            setSaidYes(same)
            return same
          },
        })
        if (outcome.status === 'restored') onRestored(outcome)
        else if (outcome.status === 'no-backup') ways.signedIn(device)
        else setEnded(outcome.status === 'unknown-way' ? without.unknown : words[outcome.status])
        setCode(undefined)
      },
      (fault) => {
        if (signal.aborted) return true
        setCode(undefined)
        if (!isKeyhavenError(fault, 'ERR_LINK_FORGED')) return ways.onFault(fault)
        setEnded(words.forged)
        return true
      },
    )
  }
  const offerAgain = (): void => {
    setEnded(undefined)
    setProgress(undefined)
    setSaidYes(false)
    offer()
  }
  const offerFirst = useEffectEvent(offer)
  useEffect(() => {
    offerFirst()
    return () => {
      running.current?.abort()
    }
  }, [])
  return (
    <>
      <Title>{words.newTitle}</Title>
      <p className="lead">{words.newLead}</p>
      {ended !== undefined && <Notice tone="bad">{ended}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      {(ended ?? work.error) !== undefined && (
        <Button className="primary" onPress={offerAgain}>
          {again}
        </Button>
      )}
      {asked !== undefined && <CompareDigits asked={asked} />}
      {code !== undefined && progress === undefined && <Offered code={code} />}
      {work.busy && saidYes && progress === undefined && <Notice>{words.otherYes}</Notice>}
      {work.busy && progress !== undefined && <Steps progress={progress} />}
    </>
  )
}

function Offered({ code }: { readonly code: string }): ReactNode {
  const { link: words } = useTexts()
  return (
    <section className="card" aria-label={words.scan}>
      <h2>{words.scan}</h2>
      <p>{words.scanLead}</p>
      <Picture text={`${location.origin}/#/security/device/${code}`} label={words.picture} />
      <details>
        <summary>{words.asText}</summary>
        <p className="digits">{code}</p>
      </details>
      <p role="status">{words.waiting}</p>
    </section>
  )
}
