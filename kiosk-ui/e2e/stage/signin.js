// Situations of signing in, for states.js: each step, and each member of each list
// of the wire that a sign-in can show. The people are made up.

import { at, azn, form, list, outcome, words } from './states.js'

const text = (pattern) => ({ pattern })

const parties = { az: 'Dövlət xidmətləri terminalı', ru: 'Терминал государственных услуг', ar: 'جهاز الخدمات الحكومية', fa: 'دستگاه خدمات دولتی' }
const holder = 'ƏLİYEVA GÜLNARƏ RÜSTƏM QIZI'

export const person = (more = {}) => ({ name: 'Gülnarə Rüstəm qızı Əliyeva', fin: '•••••BK7', method: 'esign_card', level: 'high', ...more })

export const identify = (lang, more = {}) => ({
  party: text(parties[lang] ?? 'Terminal of state services'), origin: 'https://asan.example.gov.az', method: 'esign_card', restarted: false, reading: false, ...more,
})

export const pin = (more = {}) => ({ holder, length: 4, min: 4, max: 12, left: 3, wrong: false, last: false, can_send: true, ...more })

const choices = (why) => list('methods').map((method, i) => ({ method, available: !why || i % 2 === 0, ...(why && i % 2 ? { why } : {}) }))

const certificates = () => [
  { id: 'a', holder, issuer: 'Milli Sertifikat Xidmətləri Mərkəzi', valid_until: '2027-05-14' },
  { id: 'b', holder: `${holder}, “ŞƏFƏQ” MMC`, issuer: 'Milli Sertifikat Xidmətləri Mərkəzi', valid_until: '2028-11-02' },
  { id: 'c', holder, issuer: 'Milli Sertifikat Xidmətləri Mərkəzi', valid_until: '2024-03-01', problem: 'cert_expired' },
]

const records = {
  az: [['Yol hərəkəti cəriməsi', 'Bakı şəhər Baş Polis İdarəsi'], ['Elektron imza sertifikatı', '3 il müddətinə']],
  ru: [['Штраф за нарушение правил движения', 'Главное управление полиции Баку'], ['Сертификат электронной подписи', 'На 3 года']],
  ar: [['مخالفة مرورية', 'المديرية العامة للشرطة في باكو'], ['شهادة التوقيع الإلكتروني', 'لمدة 3 سنوات']],
}
export const rows = (lang, n) => Array.from({ length: n }, (_, i) => {
  const [title, detail] = (records[lang] ?? [['Traffic fine', 'Baku City Main Police Department'], ['Certificate of electronic signature', 'For 3 years']])[i % 2]
  return { title, detail, at: `2026-${String(11 - (i % 10)).padStart(2, '0')}-22T14:05`, amount: { money: azn(i % 2 ? 1840 : 4000) }, code: `K7Q2-9XM${i}` }
})

const fields = {
  password: { az: 'Şifrə', ru: 'Пароль', ar: 'كلمة المرور', fa: 'گذرواژه' },
  otp: { az: 'Birdəfəlik kod', ru: 'Одноразовый код', ar: 'الرمز المستخدم مرة واحدة', fa: 'رمز یک‌بارمصرف' },
}

/** A form whose second question is secret. */
export const secretForm = (lang, name = 'password', more = {}) => ({
  fields: [
    { name: 'fin', label: text('FIN'), value: '5VBK5VR', keyboard: 'latin', max_len: 7, required: true, secret: false, length: 0 },
    {
      name, label: text(fields[name][lang] ?? { password: 'Password', otp: 'One-time code' }[name]), value: '', keyboard: name === 'otp' ? 'digits' : 'text',
      max_len: name === 'otp' ? 6 : 64, required: true, secret: true, length: name === 'otp' ? 4 : 9, ...more,
    },
  ],
  active: name,
})

const way = { cancel: 'leave', can_back: true }
const signedIn = (more = {}) => ({ person: person(), cancel: 'sign_out', card_in: true, ...more })

/** One situation of each step of a sign-in, and of the screens of a person who is signed in. */
export function mainSignIn(lang) {
  const on = (step, more, visit = {}) => at(step, lang, { ...way, identify: identify(lang, more), ...visit })
  return {
    method: on('method', { method: '', methods: choices() }),
    card: on('card', {}),
    card_reading: on('card', { reading: true }, { card_in: true }),
    card_problem: on('card_problem', { problem: { what: 'unreadable', retry: true } }, { can_next: true }),
    certificate: on('certificate', { certificates: certificates() }, { card_in: true }),
    pin: on('pin', { pin: pin() }, { card_in: true, can_next: true }),
    pin_wrong: on('pin', { pin: pin({ length: 0, wrong: true, left: 2, can_send: false }) }, { card_in: true }),
    pin_last: on('pin_last', {}, { card_in: true, can_next: true }),
    phone: on('phone', { method: 'asan_imza', phone: { code: '4821', seconds_left: 104 } }),
    password: at('form', lang, { ...way, can_next: true, form: secretForm(lang) }),
    form_signed_in: at('form', lang, signedIn({ can_back: true, can_next: true, form: form(lang) })),
    card_working: on('query', {}, { can_back: false, wait: { for: 'card', slow: false, can_leave: false }, card_in: true }),
    services_signed_in: at('services', lang, signedIn({ services: ['pay', 'fine', 'utility'].map((id) => ({ id, title: text(words(lang)[id]), hint: text(words(lang)[`${id}Hint`]), available: true })) })),
    list: at('list', lang, signedIn({ can_back: true, can_next: true, list: { rows: rows(lang, 4) } })),
    signed_out: at('farewell', lang, { can_next: true, card_in: true, outcome: outcome({ money: 'none', reason: 'signed_out', slip: 'none', reference: '', qr: undefined, paid: azn(0) }) }),
  }
}

/** Every situation of signing in: each member of each list of the wire at least once. */
export function* allSignIn(lang) {
  const on = (step, more, visit = {}) => at(step, lang, { ...way, identify: identify(lang, more), ...visit })
  for (const why of list('methodMissings')) yield [`method, ${why}`, on('method', { method: '', methods: choices(why), restarted: true }, { resumed: true })]
  for (const method of list('methods')) {
    yield [`card for ${method}`, on('card', { method, restarted: true })]
    yield [`services, signed in by ${method}`, at('services', lang, signedIn({ person: person({ method }), card_in: method === 'esign_card', services: [] }))]
  }
  const problems = list('cardProblems')
  for (const [i, what] of problems.entries()) {
    const retry = i % 2 === 0
    yield [`card problem, ${what}, retry ${retry}`, on('card_problem', { problem: { what, retry } }, { can_next: retry, card_in: !retry })]
  }
  for (let i = 0; i < problems.length; i += 3) {
    const some = problems.slice(i, i + 3)
    yield [`certificates, ${some.join(', ')}`, on('certificate', { certificates: certificates().slice(0, some.length).map((c, n) => ({ ...c, problem: some[n] })) })]
  }
  for (const [what, more] of Object.entries({
    untouched: { length: 0, can_send: false }, 'of one length': { min: 6, max: 6 }, full: { length: 12, left: 1 }, 'wrong, one left': { wrong: true, left: 1 },
    'tries unknown': { left: -1 }, 'wrong, tries unknown': { left: -1, wrong: true }, 'last try': { last: true, left: 1 },
  })) yield [`pin, ${what}`, on('pin', { pin: pin(more) })]
  yield ['pin_last, no way back', on('pin_last', {}, { can_back: false, can_next: true })]
  for (const length of [0, 6]) yield [`otp, ${length}`, at('form', lang, { ...way, can_next: true, form: secretForm(lang, 'otp', { length }) })]
  for (const problem of list('problems')) yield [`password, ${problem}`, at('form', lang, { ...way, can_next: true, form: secretForm(lang, 'password', { length: 64, problem }) })]
  for (const w of ['card', 'sign_in']) {
    for (const slow of [false, true]) yield [`pin, waiting for ${w}, slow ${slow}`, on('pin', {}, { can_back: false, wait: { for: w, slow, can_leave: slow }, cancel: slow ? 'leave' : 'none' })]
  }
  for (const level of list('levels')) {
    yield [`list, ${level}`, at('list', lang, signedIn({ person: person({ level }), can_back: true, list: { rows: rows(lang, 14) } }))]
    yield [`query, signed in, ${level}`, at('query', lang, signedIn({ person: person({ level }), wait: { for: 'central', slow: false, can_leave: false } }))]
  }
  yield ['list, empty', at('list', lang, signedIn({ can_back: true, list: { rows: [] } }))]
  yield ['list, bare records', at('list', lang, signedIn({ can_back: true, list: { rows: rows(lang, 2).map((r) => ({ ...r, detail: '', code: '', amount: undefined, at: '2026-11-22' })) } }))]
  yield ['phone, last second', on('phone', { method: 'asan_imza', phone: { code: '0007', seconds_left: 1 } })]
  for (const reason of ['card_removed', 'signed_out', 'E-PIN-BLOCKED']) {
    yield [`notice with the card in, ${reason}`, at('notice', lang, { can_next: true, card_in: true, outcome: outcome({ money: 'none', reason, slip: 'none', paid: azn(0), reference: '', qr: undefined }) })]
  }
  for (const reader of list('healths')) {
    const s = at('attract', lang, { services: [] })
    yield [`attract, card reader ${reader}`, { ...s, devices: { ...s.devices, card_reader: reader } }]
  }
}
