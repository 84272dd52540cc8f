// Icons and pictures, drawn by hand: the fonts do not hold them. All strokes take
// the text's colour. Arrows that mean "on" and "back" are mirrored by the style
// sheet in right-to-left languages (class `turns`); pictures of the machine never.

import type { ComponentChildren } from 'preact'

function Icon({ children, turns }: { children: ComponentChildren; turns?: boolean }) {
  return (
    <svg class={turns ? 'icon turns' : 'icon'} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  )
}

export const ArrowOn = () => <Icon turns><path d="M4 12h15M13 5.5l6.5 6.5-6.5 6.5" /></Icon>
export const ArrowBack = () => <Icon turns><path d="M20 12H5M11 5.5 4.5 12l6.5 6.5" /></Icon>
export const Check = () => <Icon><path d="m4.5 12.8 5 5L19.5 7" /></Icon>
export const Cross = () => <Icon><path d="m6 6 12 12M18 6 6 18" /></Icon>
export const Help = () => <Icon><circle cx="12" cy="12" r="9" /><path d="M9.4 9.4a2.7 2.7 0 1 1 3.9 2.4c-.9.5-1.3 1-1.3 2M12 17v.1" /></Icon>
export const Globe = () => <Icon><circle cx="12" cy="12" r="9" /><path d="M3 12h18M12 3c2.6 2.6 3.8 5.6 3.8 9S14.6 18.4 12 21c-2.6-2.6-3.8-5.6-3.8-9S9.4 5.6 12 3" /></Icon>
export const Erase = () => <Icon turns><path d="M8.5 5.5H20a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H8.5L3 12zM11 9l6 6M17 9l-6 6" /></Icon>
export const Clear = () => <Icon><path d="M4 7h16M9.5 7V4.5h5V7M6 7l1 13h10l1-13M10 11v5.5M14 11v5.5" /></Icon>
export const Shift = () => <Icon><path d="m12 4 7.5 8H15.5v7h-7v-7H4.5z" /></Icon>
export const Info = () => <Icon><circle cx="12" cy="12" r="9" /><path d="M12 11v6M12 7.5v.1" /></Icon>
export const Warn = () => <Icon><path d="M12 3.5 22 20.5H2zM12 10v5M12 17.5v.1" /></Icon>
export const Clock = () => <Icon><circle cx="12" cy="12" r="9" /><path d="M12 7v5.5l3.5 2" /></Icon>
export const Voucher = () => <Icon><path d="M4 6h16v4a2 2 0 0 0 0 4v4H4v-4a2 2 0 0 0 0-4zM14 6v2.5M14 11v2M14 15.5V18" /></Icon>
export const Phone = () => <Icon><path d="M6.5 3.5 10 4.5l1 4-2.2 1.7a11 11 0 0 0 5 5L15.5 13l4 1 1 3.5c-.4 1.8-1.7 3-3.5 3A14 14 0 0 1 3.5 7c0-1.8 1.2-3.1 3-3.5z" /></Icon>
export const Shield = () => <Icon><path d="M12 3 4.5 6v5.5c0 4.5 3 8 7.5 9.5 4.5-1.5 7.5-5 7.5-9.5V6zM8.5 12l2.5 2.5 4.5-5" /></Icon>
export const Note = () => <Icon><path d="M2.5 6.5h19v11h-19zM5.5 9v.1M18.5 15v.1" /><circle cx="12" cy="12" r="2.6" /></Icon>
export const Slip = () => <Icon><path d="M6 3h12v18l-2-1.5-2 1.5-2-1.5-2 1.5-2-1.5L6 21zM9 8h6M9 12h6" /></Icon>

export const Person = () => <Icon><circle cx="12" cy="8" r="4" /><path d="M4.5 20.5c.6-4 3.6-6.3 7.5-6.3s6.9 2.3 7.5 6.3" /></Icon>
export const Door = () => <Icon turns><path d="M13 4H5v16h8M10 12h10M16 8l4 4-4 4" /></Icon>
export const Card = () => <Icon><rect x="2.5" y="5" width="19" height="14" rx="2" /><path d="M6 10h4.5v4H6zM14 15.5h4.5" /></Icon>
export const Mobile = () => <Icon><rect x="6.5" y="2.5" width="11" height="19" rx="2" /><path d="M11 18.5h2" /></Icon>
export const Lock = () => <Icon><rect x="4.5" y="10.5" width="15" height="10.5" rx="2" /><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5M12 14.5v2.5" /></Icon>
export const Bank = () => <Icon><path d="M3 9.5 12 4l9 5.5zM3.5 20h17M6 12.5v5M12 12.5v5M18 12.5v5" /></Icon>

export const LargeText = () => <Icon><path d="M2.5 18 6.5 8l4 10M4 14.5h5M11.5 18l5-13 5 13M13.3 13.5h6.4" /></Icon>
export const Contrast = () => <Icon><circle cx="12" cy="12" r="9" /><path class="fill" d="M12 3a9 9 0 0 1 0 18z" /></Icon>
export const Reach = () => <Icon><path d="M4 4h16v16H4zM4 12h16M12 14.2v3.3M10.4 16l1.6 1.7 1.6-1.7" /></Icon>
export const MoreTime = () => <Icon><circle cx="10.5" cy="13" r="7.5" /><path d="M10.5 8.5V13l3 2M19 3v6M16 6h6" /></Icon>
export const Joiner = () => <Icon><path d="M12 5v14M8.5 9.5 5 12l3.5 2.5M15.5 9.5 19 12l-3.5 2.5" /></Icon>
export const Digits = () => <Icon><path d="M5 7.5 7 6v11M11 8.2c0-3 5-3 5 .2 0 2.6-5 5-5 8.6h5.2" /></Icon>

/** The product's own mark: a slip that comes out under a slot. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 48 48" aria-hidden="true" focusable="false">
    <rect class="mark-ground" width="48" height="48" rx="12" />
    <path class="mark-line" d="M11 16h26" />
    <path class="mark-slip" d="M16 16h16v19l-2.7-2-2.7 2-2.6-2-2.6 2-2.7-2-2.7 2z" />
    <path class="mark-accent" d="m20 23.5 3 3 5.5-6" />
  </svg>
)

/** A banknote going into the machine's slot. */
export const NoteSlot = ({ out = false }: { out?: boolean }) => (
  <svg class="picture" viewBox="0 0 320 200" aria-hidden="true" focusable="false">
    <rect class="p-body" x="30" y="14" width="260" height="92" rx="14" />
    <rect class="p-dark" x="62" y="60" width="196" height="16" rx="8" />
    <rect class="p-lamp" x="86" y="34" width="148" height="8" rx="4" />
    <g class={out ? 'p-note p-out' : 'p-note p-in'}>
      <rect class="p-paper" x="84" y="70" width="152" height="72" rx="5" />
      <rect class="p-line" x="93" y="79" width="134" height="54" rx="3" />
      <circle class="p-line" cx="160" cy="106" r="16" />
      <path class="p-line" d="M105 106h18M197 106h18" />
    </g>
    <path class="p-arrow" d={out ? 'M160 152v32m-15-14 15 15 15-15' : 'M160 190v-34m-15 15 15-15 15 15'} />
  </svg>
)

/** A slip coming out of the printer's slot. */
export const SlipSlot = () => (
  <svg class="picture" viewBox="0 0 320 200" aria-hidden="true" focusable="false">
    <rect class="p-body" x="50" y="14" width="220" height="72" rx="14" />
    <rect class="p-dark" x="88" y="48" width="144" height="14" rx="7" />
    <g class="p-note p-slip">
      <path class="p-paper" d="M108 55h104v113l-13-9-13 9-13-9-13 9-13-9-13 9-13-9-13 9z" />
      <path class="p-line" d="M124 82h72M124 100h72M124 118h44" />
    </g>
    <path class="p-arrow" d="M258 112v46m-15-15 15 15 15-15" />
  </svg>
)

/**
 * The card reader's slot with a card: chip side up, chip first. In: about to go in;
 * reading: in the slot; out: to be taken.
 */
export const CardSlot = ({ state }: { state: 'in' | 'reading' | 'out' }) => {
  const y = state === 'reading' ? 20 : 92
  return (
    <svg class="picture card-picture" viewBox="0 0 320 240" aria-hidden="true" focusable="false">
      <g class={`p-card p-card-${state}`}>
        <rect class="p-paper" x="104" y={y} width="112" height="140" rx="10" />
        <rect class="p-chip" x="142" y={y + 18} width="36" height="30" rx="5" />
        <path class="p-chip-line" d={`M142 ${y + 33}h12m12 0h12M160 ${y + 18}v8m0 14v8`} />
        <path class="p-line" d={`M122 ${y + 104}h50M122 ${y + 120}h76`} />
      </g>
      <path class="p-body" d="M52 8h216a14 14 0 0 1 14 14v48a14 14 0 0 1-14 14H52a14 14 0 0 1-14-14V22A14 14 0 0 1 52 8z" />
      <rect class="p-dark" x="92" y="66" width="136" height="14" rx="7" />
      <rect class={state === 'reading' ? 'p-lamp' : 'p-lamp p-dim'} x="122" y="34" width="76" height="8" rx="4" />
      {state !== 'reading' && <path class="p-arrow" d={state === 'in' ? 'M258 196v-74m-16 16 16-16 16 16' : 'M258 122v74m-16-16 16 16 16-16'} />}
    </svg>
  )
}

/** The hero of the attract screen: note in, slip out. */
export const Hero = () => (
  <svg class="hero" viewBox="0 0 640 220" aria-hidden="true" focusable="false">
    <rect class="p-body" x="60" y="24" width="520" height="92" rx="18" />
    <rect class="p-dark" x="112" y="66" width="180" height="14" rx="7" />
    <rect class="p-dark" x="384" y="66" width="144" height="14" rx="7" />
    <rect class="p-lamp" x="132" y="42" width="140" height="7" rx="3.5" />
    <g class="p-note">
      <rect class="p-paper" x="128" y="76" width="148" height="70" rx="5" />
      <rect class="p-line" x="136" y="84" width="132" height="54" rx="3" />
      <circle class="p-line" cx="202" cy="111" r="15" />
      <path class="p-line" d="M147 111h18M239 111h18" />
    </g>
    <path class="p-arrow" d="M202 204v-42m-16 16 16-16 16 16" />
    <path class="p-paper" d="M404 73h104v117l-13-9-13 9-13-9-13 9-13-9-13 9-13-9-13 9z" />
    <path class="p-line" d="M420 98h72M420 116h72" />
    <path class="p-ok" d="m438 142 14 14 26-30" />
  </svg>
)
