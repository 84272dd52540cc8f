// What must be readable when nothing can be fetched: the texts of a lost link, in
// every language, from the first moment; and the invitation of the attract screen,
// which is shown in several languages at once.

import type { Lang } from '../wire.gen'

export interface Always {
  readonly moment: string
  readonly call: string
  readonly machine: string
  readonly phone: string
  readonly elsewhere: string
  readonly notHere: string
  readonly start: string
}

export const always: Readonly<Record<Lang, Always>> = {
  az: {
    moment: 'Bir an gözləyin. Pulunuz etibarlı qorunur.',
    call: 'Gözləmə uzanarsa, zəng edin və terminalın nömrəsini deyin.',
    machine: 'Terminal №', phone: 'Telefon',
    elsewhere: 'Ekran artıq başqa pəncərədə açıqdır.',
    notHere: 'Ekran bu pəncərədə açıla bilməz.',
    start: 'Başlamaq üçün ekrana toxunun',
  },
  en: {
    moment: 'One moment. Your money is safe.',
    call: 'If this takes long, please call and give the number of this machine.',
    machine: 'Machine no.', phone: 'Phone',
    elsewhere: 'The screen is already open in another window.',
    notHere: 'The screen cannot be opened in this window.',
    start: 'Touch the screen to start',
  },
  fr: {
    moment: 'Un instant. Votre argent est en sécurité.',
    call: 'Si l’attente se prolonge, appelez-nous et donnez le numéro de cette borne.',
    machine: 'Borne n°', phone: 'Téléphone',
    elsewhere: 'L’écran est déjà ouvert dans une autre fenêtre.',
    notHere: 'L’écran ne peut pas être ouvert dans cette fenêtre.',
    start: 'Touchez l’écran pour commencer',
  },
  es: {
    moment: 'Un momento. Su dinero está seguro.',
    call: 'Si la espera se alarga, llámenos e indique el número de este terminal.',
    machine: 'Terminal n.º', phone: 'Teléfono',
    elsewhere: 'La pantalla ya está abierta en otra ventana.',
    notHere: 'La pantalla no se puede abrir en esta ventana.',
    start: 'Toque la pantalla para empezar',
  },
  de: {
    moment: 'Einen Moment bitte. Ihr Geld ist sicher.',
    call: 'Wenn es länger dauert, rufen Sie bitte an und nennen Sie die Nummer dieses Automaten.',
    machine: 'Automat Nr.', phone: 'Telefon',
    elsewhere: 'Der Bildschirm ist schon in einem anderen Fenster geöffnet.',
    notHere: 'Der Bildschirm kann in diesem Fenster nicht geöffnet werden.',
    start: 'Zum Starten den Bildschirm berühren',
  },
  it: {
    moment: 'Un momento. Il suo denaro è al sicuro.',
    call: 'Se l’attesa si prolunga, chiami e indichi il numero di questo terminale.',
    machine: 'Terminale n.', phone: 'Telefono',
    elsewhere: 'La schermata è già aperta in un’altra finestra.',
    notHere: 'La schermata non può essere aperta in questa finestra.',
    start: 'Tocchi lo schermo per iniziare',
  },
  ar: {
    moment: 'لحظة من فضلك. نقودك في أمان.',
    call: 'إذا طال الانتظار، فيُرجى الاتصال بنا وذكر رقم هذا الجهاز.',
    machine: 'رقم الجهاز', phone: 'الهاتف',
    elsewhere: 'الشاشة مفتوحة بالفعل في نافذة أخرى.',
    notHere: 'لا يمكن فتح الشاشة في هذه النافذة.',
    start: 'المس الشاشة للبدء',
  },
  fa: {
    moment: 'یک لحظه صبر کنید. پول شما در امان است.',
    call: 'اگر طول کشید، لطفاً تماس بگیرید و شمارهٔ این دستگاه را بگویید.',
    machine: 'شمارهٔ دستگاه', phone: 'تلفن',
    elsewhere: 'این صفحه در پنجرهٔ دیگری باز است.',
    notHere: 'این صفحه را نمی‌توان در این پنجره باز کرد.',
    start: 'برای شروع صفحه را لمس کنید',
  },
  ru: {
    moment: 'Один момент. Ваши деньги в сохранности.',
    call: 'Если ожидание затянулось, позвоните и назовите номер этого терминала.',
    machine: 'Терминал №', phone: 'Телефон',
    elsewhere: 'Экран уже открыт в другом окне.',
    notHere: 'В этом окне экран открыть нельзя.',
    start: 'Коснитесь экрана, чтобы начать',
  },
}
