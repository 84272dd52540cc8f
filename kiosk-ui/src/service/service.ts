// Service mode: the inside of the cabinet on the screen, for technicians and cash
// collectors (wire.ServiceMode). It shows what the daemon says and asks it for acts.
// Where the customer's screens have one question, this one is a desk: who is in, why
// customers are not served, and six sections behind large buttons, in pages and
// never scrolled.

export { ServiceLogin } from './login'
export { Ask, ServiceMode, warning } from './mode'
export { load } from './words'
