// A list of records of the state system, as it wrote them. What does not fit is on
// the next page.

import { next } from '../app'
import { moment, sentence, t, value } from '../i18n'
import { Code, Money } from '../parts/basic'
import { Frame } from '../parts/frame'
import { ArrowOn } from '../parts/icons'
import { nameNext, type ListRow, type State } from '../wire.gen'

export function List({ s }: { s: State }) {
  const { list, title, body, can_next } = s.visit
  const rows = list?.rows ?? []
  return (
    <Frame
      s={s}
      title={title ? sentence(title) : t('list.title')}
      main={can_next ? { text: t('next'), act: next, iconAfter: <ArrowOn />, busy: nameNext } : undefined}
      list={rows.length > 0}
      class="list"
    >
      {rows.length === 0 && <p>{body ? sentence(body) : t('list.none')}</p>}
      {rows.map((r, i) => <Record key={i} of={r} />)}
    </Frame>
  )
}

function Record({ of: r }: { of: ListRow }) {
  return (
    <div class="record">
      <p class="label">{moment(r.at)}</p>
      <p class="record-title"><b><bdi>{r.title}</bdi></b></p>
      {r.detail !== '' && <p><bdi>{r.detail}</bdi></p>}
      {(r.amount || r.code !== '') && (
        <div class="record-end">
          {r.code !== '' && <Code>{r.code}</Code>}
          {r.amount && <b>{r.amount.money ? <Money of={r.amount.money} /> : value(r.amount)}</b>}
        </div>
      )}
    </div>
  )
}
