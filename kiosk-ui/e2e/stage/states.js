// States to put on the stage: every step, with every reason, fate, slip and event
// of the wire. The lists come from the generated types, so that a new member cannot
// be forgotten.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { allService, mainService } from './service.js'
import { allSignIn, mainSignIn } from './signin.js'

const source = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../../src/wire.gen.ts'), 'utf8')

/** The members of a generated list, for example list('steps'). */
export function list(name) {
  const found = new RegExp(`export const ${name} = \\[(.*)\\] as const`).exec(source)
  if (!found) throw new Error(`wire.gen.ts has no list ${name}`)
  return [...found[1].matchAll(/'((?:[^'\\]|\\.)*)'/g)].map((m) => m[1])
}

const contract = Number(/export const contract = (\d+)/.exec(source)[1])

export const langs = list('langs')
export const steps = list('steps')

export const azn = (minor) => ({ minor, currency: 'AZN' })
const notes = [100, 500, 1000, 2000, 5000, 10000, 20000].map(azn)

const terminal = {
  number: '0417', owner: 'İnnovasiya və Rəqəmsal İnkişaf Agentliyi', address: 'Bakı şəhəri, Heydər Əliyev prospekti 152',
  phone: '+994 12 565 00 00', hours: '09:00–18:00', pixels_per_mm: 3.61, langs, notes, gives_change: false,
}

/** The catalogue's texts of the stage, in the languages in which they are looked at. */
const texts = {
  az: {
    pay: 'Bildiriş nömrəsi ilə ödəniş', payHint: 'Elektron imza, sertifikat və digər sifarişlər', fine: 'Yol hərəkəti cərimələri', fineHint: 'Protokol və ya qərar nömrəsi ilə',
    utility: 'Kommunal ödənişlər', utilityHint: 'Elektrik, qaz və su', number: 'Bildiriş nömrəsi', numberHint: 'Nömrə bildiriş vərəqinin yuxarısında yazılıb, adətən 9 rəqəmdən ibarətdir.',
    payee: 'Bank Sertifikat Xidmətləri Mərkəzi', purpose: 'Elektron imza sertifikatı, 3 il', read: 'İstifadə qaydaları', label: 'Bildiriş №',
    body: 'Bu terminal pul qalığını qaytarmır. Ödəniş etməzdən əvvəl məbləği və alanın adını yoxlayın.\n\nÖdənişiniz haqqında məlumat dövlət sisteminə göndərilir və qəbzdə göstərilir. Qəbzi saxlayın.',
    none: 'Bu nömrə üzrə sifariş tapılmadı.', kind: 'Kim üçün ödəyirsiniz?', me: 'Özüm üçün', other: 'Başqa şəxs üçün', name: 'Ad və soyad',
  },
  ru: {
    pay: 'Оплата по номеру уведомления', payHint: 'Электронная подпись, сертификаты и другие заказы', fine: 'Штрафы за нарушение правил движения', fineHint: 'По номеру протокола или решения',
    utility: 'Коммунальные платежи', utilityHint: 'Электричество, газ и вода', number: 'Номер уведомления', numberHint: 'Номер указан в верхней части уведомления, обычно в нём 9 цифр.',
    payee: 'Центр банковских сертификатов', purpose: 'Сертификат электронной подписи, 3 года', read: 'Правила использования', label: 'Уведомление №',
    body: 'Терминал не выдаёт сдачу. Перед оплатой проверьте сумму и получателя.\n\nСведения о платеже отправляются в государственную систему и указаны в квитанции. Сохраните квитанцию.',
    none: 'Заказ с таким номером не найден.', kind: 'За кого вы платите?', me: 'За себя', other: 'За другого человека', name: 'Имя и фамилия',
  },
  ar: {
    pay: 'الدفع برقم الإشعار', payHint: 'التوقيع الإلكتروني والشهادات والطلبات الأخرى', fine: 'مخالفات المرور', fineHint: 'برقم المحضر أو القرار',
    utility: 'فواتير المرافق', utilityHint: 'الكهرباء والغاز والماء', number: 'رقم الإشعار', numberHint: 'تجد الرقم في أعلى الإشعار، ويتكوّن عادةً من 9 أرقام.',
    payee: 'مركز خدمات الشهادات المصرفية', purpose: 'شهادة التوقيع الإلكتروني، 3 سنوات', read: 'قواعد الاستخدام', label: 'رقم الإشعار',
    body: 'لا يعيد هذا الجهاز الباقي. تحقّق من المبلغ واسم المستفيد قبل الدفع.\n\nتُرسل معلومات الدفع إلى النظام الحكومي وتظهر في الإيصال. احتفظ بالإيصال.',
    none: 'لم يُعثر على طلب بهذا الرقم.', kind: 'لمن تدفع؟', me: 'لنفسي', other: 'لشخص آخر', name: 'الاسم واللقب',
  },
}
const other = {
  pay: 'Pay by notification number', payHint: 'Electronic signature, certificates and other orders', fine: 'Traffic fines', fineHint: 'By protocol or decision number',
  utility: 'Utility payments', utilityHint: 'Electricity, gas and water', number: 'Notification number', numberHint: 'You find it at the top of the notification; it usually has 9 digits.',
  payee: 'Bank Certification Services Centre', purpose: 'Certificate of electronic signature, 3 years', read: 'Rules of use', label: 'Notification no.',
  body: 'This machine gives no change. Check the amount and the payee before you pay.\n\nYour payment is reported to the state system and shown on the receipt. Keep the receipt.',
  none: 'No order was found under this number.', kind: 'For whom do you pay?', me: 'For myself', other: 'For someone else', name: 'Name and surname',
}

export const words = (lang) => texts[lang] ?? other

let stepSeq = 0
const noMoney = { open: false, owed: azn(0), held: azn(0), missing: azn(0), over: azn(0), count: 0, in_doubt: 0, can_finish: false }

/** A state on a step, with changes to its visit and money. */
export function at(step, lang, visit = {}, money = {}, more = {}) {
  return {
    contract, asset: '', seq: 0, step_seq: ++stepSeq, terminal: { ...terminal, ...more },
    visit: {
      id: step === 'attract' || step === 'out_of_service' ? '' : 'a1b2c3d4e5f60718', step, lang,
      modes: { contrast: false, large: false, reach: false, more_time: false },
      can_next: false, can_back: false, cancel: 'none', resumed: false, card_in: false, ...visit,
    },
    money: { ...noMoney, ...money },
    devices: { central: 'online', acceptor: 'online', printer: 'online', card_reader: 'online', paper_low: false },
  }
}

/** The square of a code of the size that a slip's has; what it says is not looked at here. */
const qr = Array.from({ length: 45 }, (_, y) =>
  Array.from({ length: 45 }, (_, x) => {
    const eye = (cx, cy) => Math.max(Math.abs(x - cx), Math.abs(y - cy))
    const d = Math.min(eye(3, 3), eye(41, 3), eye(3, 41))
    return (d <= 4 ? d !== 4 && d !== 2 : (x * 7 + y * 13 + x * y) % 3 === 0) ? '1' : '0'
  }).join(''),
)

const text = (pattern, values) => ({ pattern, ...(values ? { values } : {}) })

export const quote = (lang, more = {}) => {
  const w = words(lang)
  return {
    payee: text(w.payee), purpose: text(w.purpose), rows: [{ label: text(w.label), value: text('{n}', { n: { code: '123027172' } }) }],
    amount: azn(1800), commission: azn(40), total: azn(1840), change: 'none', no_receipt: false, ...more,
  }
}

export const form = (lang, field = {}) => {
  const w = words(lang)
  return {
    fields: [{ name: 'number', label: text(w.number), hint: text(w.numberHint), value: '123027172', keyboard: 'digits', group: [3, 3, 3], max_len: 12, required: true, secret: false, length: 0, ...field }],
    active: 'number',
  }
}

const services = (lang, why) => {
  const w = words(lang)
  return ['pay', 'fine', 'utility'].map((id, i) => ({
    id, title: text(w[id]), hint: text(w[`${id}Hint`]), available: !(why && i === 2), ...(why && i === 2 ? { why } : {}),
  }))
}

export const outcome = (more = {}) => ({
  money: 'posted', reason: '', paid: azn(1840), leftover: azn(0), in_doubt: 0, reference: 'K7Q2-9XMP', slip: 'printed', again: '', qr, ...more,
})

/** What may be printed once more when this became of the paper. */
const agains = { none: '', printing: '', printed: 'copy', not_printed: 'original', unknown: 'copy' }

const inPay = { cancel: 'leftover', can_next: false, progress: { at: 3, of: 4 } }
const tender = (held, more = {}) => ({
  open: true, owed: azn(1840), held: azn(held), missing: azn(Math.max(0, 1840 - held)), over: azn(Math.max(0, held - 1840)),
  count: held ? 2 : 0, accepted: notes, can_finish: held >= 1840, ...more,
})

/** One situation of each screen, for pictures and for every language. */
export function main(lang) {
  const w = words(lang)
  const step = (n, s) => ({ progress: { at: n, of: 4 }, service: text(w.pay), ...s })
  return {
    attract: at('attract', lang, { services: services(lang, 'central') }),
    language: at('language', lang, { cancel: 'leave' }),
    services: at('services', lang, { services: services(lang, 'printer'), can_back: true, cancel: 'leave' }),
    present: at('present', lang, step(1, { title: text(w.read), body: text(w.body), can_next: true, can_back: true, cancel: 'leave' })),
    form: at('form', lang, step(1, { form: form(lang), can_next: true, can_back: true, cancel: 'leave' })),
    query: at('query', lang, step(2, { wait: { for: 'central', slow: false, can_leave: false }, cancel: 'leave' })),
    notice: at('notice', lang, step(2, { can_next: true, outcome: outcome({ money: 'none', reason: 'E-LOOKUP-NONE', slip: 'none', reference: '', qr: undefined, paid: azn(0), text: text(w.none) }) })),
    quote: at('quote', lang, step(2, { quote: quote(lang), can_next: true, can_back: true, cancel: 'leave' })),
    pay: at('pay', lang, step(3, { ...inPay, quote: quote(lang) }), tender(1500, { last: { n: 2, what: 'taken', value: azn(500) }, count: 2 })),
    settle: at('settle', lang, step(3, { wait: { for: 'note', slow: false, can_leave: false } }), tender(2000)),
    submit: at('submit', lang, step(4, { wait: { for: 'posting', slow: true, can_leave: true }, cancel: 'leave' })),
    deliver: at('deliver', lang, step(4, { wait: { for: 'printing', slow: false, can_leave: false } })),
    farewell: at('farewell', lang, { can_next: true, outcome: outcome({ leftover: azn(160), again: 'copy' }), service: text(w.pay) }),
    out_of_service: at('out_of_service', lang, { outcome: outcome({ money: 'none', reason: 'E-CASSETTE-FULL', slip: 'none', reference: '', qr: undefined, paid: azn(0) }) }),
    ...mainSignIn(lang),
    ...mainService(lang),
  }
}

/** Every situation of every screen: each member of each list of the wire at least once. */
export function* all(lang) {
  const w = words(lang)
  for (const [name, s] of Object.entries(main(lang))) yield [name, s]
  for (const why of list('unavailables')) {
    yield [`attract, ${why}`, at('attract', lang, { services: services(lang, why) })]
    yield [`services, ${why}`, at('services', lang, { services: services(lang, why), cancel: 'leave' })]
  }
  for (const keyboard of list('keyboards')) {
    const field = { keyboard, group: [], value: { phone: '+994501234567', latin: '5VBK5VR', text: w.name, none: 'me' }[keyboard] ?? '123027172', max_len: 40,
      label: text(keyboard === 'none' ? w.kind : keyboard === 'text' ? w.name : w.number),
      ...(keyboard === 'none' ? { choices: [{ value: 'me', label: text(w.me) }, { value: 'other', label: text(w.other) }] } : {}) }
    const s = { can_next: true, can_back: true, cancel: 'leave', progress: { at: 1, of: 4 } }
    yield [`form, ${keyboard}`, at('form', lang, { ...s, form: form(lang, field) })]
    for (const problem of keyboard === 'digits' ? list('problems') : []) {
      yield [`form, ${keyboard}, ${problem}`, at('form', lang, { ...s, form: form(lang, { ...field, problem }) })]
    }
  }
  const waits = { central: 'query', note: 'settle', posting: 'submit', printing: 'deliver', card: 'query', sign_in: 'query' }
  for (const w of list('waitFors')) {
    for (const slow of [false, true]) yield [`${waits[w]}, slow ${slow}`, at(waits[w], lang, { wait: { for: w, slow, can_leave: slow }, cancel: slow ? 'leave' : 'none' })]
  }
  for (const change of list('changePolicies')) yield [`quote, change ${change}`, at('quote', lang, { quote: quote(lang, { change, no_receipt: true }), can_next: true, can_back: true, cancel: 'leave' })]
  for (const cancel of list('cancels')) yield [`pay, cancel ${cancel}`, at('pay', lang, { ...inPay, cancel }, tender({ leftover: 1500, none: 2000 }[cancel] ?? 0))]
  for (const moving of list('movings')) yield [`pay, moving ${moving}`, at('pay', lang, inPay, tender(1500, { moving }))]
  for (const what of list('noteWhats')) yield [`pay, note ${what}`, at('pay', lang, inPay, tender(2000, { last: { n: 3, what, value: azn(500) }, in_doubt: what === 'stuck' ? 1 : 0 }))]
  yield ['pay, closed', at('pay', lang, inPay, tender(0, { open: false, accepted: [] }))]
  yield ['pay, large sums', at('pay', lang, inPay, tender(1500, { owed: azn(1234567890), missing: azn(1234566390) }))]
  for (const money of list('fates')) {
    for (const slip of list('slips')) {
      const some = money !== 'none' && money !== 'returned'
      yield [`farewell, ${money}, ${slip}`, at('farewell', lang, { can_next: slip !== 'printing', ...(slip === 'printing' ? { wait: { for: 'printing', slow: false, can_leave: false } } : {}),
        outcome: outcome({ money, slip, again: agains[slip], reason: money === 'posted' ? '' : 'E-VISIT-ABANDONED', leftover: azn(money === 'leftover' ? 1500 : 160), in_doubt: money === 'posted' ? 2 : 0, ...(some ? {} : { reference: '', qr: undefined }) }) })]
    }
  }
  for (const reason of list('reasons')) {
    yield [`notice, ${reason}`, at('notice', lang, { can_next: true, outcome: outcome({ money: 'none', reason, slip: 'none', paid: azn(0), reference: '', qr: undefined }) })]
    yield [`out of service, ${reason}`, at('out_of_service', lang, { outcome: outcome({ money: 'none', reason, slip: 'none', reference: '', qr: undefined, paid: azn(0) }) })]
  }
  for (const money_in of [false, true]) {
    yield [`warning, money ${money_in}`, at('pay', lang, { ...inPay, warning: { seconds_left: 20, money_in } }, tender(1500))]
  }
  yield* allSignIn(lang)
  yield* allService(lang)
  yield ['resumed', at('quote', lang, { quote: quote(lang), can_next: true, can_back: true, cancel: 'leave', resumed: true })]
}
