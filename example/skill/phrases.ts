import type { Category, Urgency } from './triage.ts'

/** The products of the shop. */
export const ITEM_PHRASES = (
  'kettle toaster lamp desk chair blender heater fan speaker headset keyboard monitor printer router tablet phone ' +
  'camera watch backpack jacket tent bike helmet scooter mattress sofa mirror carpet clock drill vacuum coffee machine'
)
  .replace('coffee machine', 'coffee_machine')
  .split(' ')
  .map((item) => item.replace('_', ' '))

export const COLOURS = ['red', 'blue', 'green', 'black', 'white', 'grey', 'yellow', 'small', 'large', 'new']
export const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
export const NAMES =
  'Anna Ben Clara David Elif Farid Grace Hugo Ines Jonas Kira Liam Maya Noah Olga Paul Rosa Samir Tina Viktor'.split(
    ' ',
  )

/** Phrases for each kind of problem. `{thing}` is for example "my blue kettle". */
export const PROBLEMS: Record<Category, readonly string[]> = {
  delivery: [
    '{thing} (still|) has not (arrived|shown up|turned up|come)',
    'I am (still|) waiting for {thing} (to arrive|to be delivered|)',
    'where is {thing}? It was (due|expected|promised) (last week|on {day}|days ago)',
    'the tracking (page|) (has not moved|shows nothing new|is stuck) for {thing}',
    'the (courier|driver|carrier) (left|dropped) {thing} at the wrong (house|address|door)',
    '{thing} is (late|overdue|delayed) (again|) and nobody (tells me why|knows where it is)',
    'the (parcel|package|box) with {thing} (got lost|went missing|never came)',
    'when will {thing} be (shipped|delivered|sent out)',
    'can you (change|correct) the delivery address for {thing}',
    'the (courier|driver) says he (rang|called) but nobody came, and {thing} is (gone|not here)',
    'I was (home|here) all day and {thing} was not (delivered|brought)',
    'my neighbour got {thing} (instead of me|by mistake)',
    'shipping of {thing} takes (far too|very|so) long',
    'the (depot|post office) does not (have|know of) {thing}',
  ],
  damage: [
    '{thing} (arrived|came) (broken|cracked|in pieces|damaged|with a dent)',
    'the box was (crushed|torn|wet) and {thing} is (broken|damaged|scratched)',
    '{thing} has a (big|deep|) (crack|scratch|dent|tear) (in it|on the side|on top|)',
    'when I unpacked {thing} (a part|a piece|the handle|the glass) (fell off|was broken|was cracked)',
    '{thing} was (smashed|bent|scratched) when I opened the (box|parcel)',
    'there is broken glass (in the box with|all over) {thing}',
    'a (leg|corner|button|wheel) of {thing} is (snapped|broken|bent) (off|)',
    'the (cover|surface|screen) of {thing} is (cracked|scratched|shattered)',
    'you sent me {thing} with a (hole|crack|stain) in it',
    '{thing} looks (used and dirty|badly scratched|like someone dropped it)',
    'parts are missing from {thing}, and one is (bent|cracked)',
    'the packaging was (ripped|open) and {thing} (got|is) (soaked|bent|scratched)',
  ],
  refund: [
    'I (want|would like) to (send back|return) {thing} (and get my money back|)',
    'I (want|would like|need) my money back for {thing}',
    'please refund (me for|) {thing}',
    'how (do|can) I return {thing}',
    'I sent {thing} back (last week|on {day}|days ago) and (got|have) no refund (yet|)',
    '{thing} is not what I expected and I (want|would like) to return it',
    'I changed my mind about {thing} and want to (cancel|give it back)',
    'can I (exchange|swap) {thing} for another (size|colour|one)',
    'please cancel the purchase of {thing} (and refund me|)',
    'the refund for {thing} (has not come|is missing|is taking long)',
    '{thing} does not (fit|suit me|match my room), I (want to return it|am sending it back)',
    'where do I send {thing} to get (a refund|my money back)',
    'the return label for {thing} (does not print|is missing)',
  ],
  billing: [
    'I was (charged|billed) twice for {thing}',
    'the (invoice|bill) for {thing} (is wrong|shows the wrong amount|has the wrong name)',
    'my card was (charged|debited) (too much|the wrong amount) for {thing}',
    'can you send (me|) the (invoice|receipt|bill) for {thing}',
    'the (discount|voucher|coupon) was not (applied|counted) when I paid for {thing}',
    'why do I pay (a fee|extra|more than shown) for {thing}',
    'I need (a receipt|an invoice) with (our|the) company name for {thing}',
    'the price (I paid for|on the invoice of) {thing} (is not|differs from) the one (on your site|you showed)',
    'my payment for {thing} (was taken two times|failed but the money is gone)',
    'there is a charge (on my card|on my statement) for {thing} that I do not (know|understand)',
    'the tax on the (bill|invoice) for {thing} (looks|is) wrong',
    'I paid (by card|by transfer) for {thing} but (you sent|I got) a (reminder|payment warning)',
  ],
  account: [
    'I cannot (log in|sign in) to (see|track|check) {thing}',
    'my password (does not work|is not accepted) (any more|) since I (bought|ordered) {goods}',
    'please (reset|unlock) my (account|login), I (bought|ordered) {goods}',
    'I am locked out of my account and cannot (see|manage) {thing}',
    'how do I change (the email|my email|my name|my phone number) in my profile? I (bought|ordered) {goods}',
    'please (delete|close) my account after {thing}',
    'the (login|reset) (code|link|mail) (never arrives|does not come), I wanted to check {thing}',
    'someone (else|) (used|got into) my account and (bought|ordered) {goods}',
    'my profile (shows|has) the wrong (name|address|email) next to {thing}',
    'I have two (accounts|logins) and {thing} is in the (wrong|other) one',
    'the (app|site) (says|claims) my account does not exist, but I (bought|ordered) {goods}',
    'I want to (stop|end) your (newsletter|mails) after buying {thing}',
  ],
  technical: [
    '{thing} does not (turn on|start|switch on) (any more|)',
    '{thing} (stopped|keeps) (working|freezing|beeping|turning off) (after a day|all the time|)',
    'how do I (set up|connect|install|reset) {thing}',
    '{thing} (makes|is making) a (strange|loud|bad) noise',
    '{thing} (will not|does not) (connect|pair|charge|respond) (at all|)',
    'the (light|display|button) on {thing} (blinks red|stays dark|does nothing)',
    '(is there|where is) a manual for {thing}',
    '{thing} gets (very|too) (hot|loud|slow) (after ten minutes|when I use it|)',
    'the (update|setup) of {thing} (fails|never ends|shows an error)',
    '{thing} shows error (code|) E{small}',
    'which (cable|battery|filter) do I need for {thing}',
    'the battery of {thing} (is empty after an hour|does not last|will not charge)',
    '{thing} (works|worked) for (two days|a week) and then (died|stopped)',
  ],
}

/** What shows how soon an answer is needed. A normal message has none of the other two. */
export const CUES: Record<Urgency, readonly string[]> = {
  high: [
    'I need it (by|before) {day}',
    'this is (very|really|) urgent',
    'please (answer|help|act|fix this) (today|right now|at once|immediately)',
    '(I am|we are) (furious|very angry|really upset)',
    'this is the (third|fourth|fifth) time I (write|ask|call)',
    'my (wedding|exam|move|flight) is tomorrow',
    '(I will|we will) call (a lawyer|my lawyer) (otherwise|if nothing happens)',
    'it is an emergency',
    'I (leave|travel) (tomorrow|tonight) and need this solved',
    'it is (dangerous|a danger for my children)',
    'as (soon|fast) as possible please',
    'I cannot (work|sleep|cook) (until this is solved|without it)',
    'the deadline is {day}',
    'this cannot wait',
  ],
  low: [
    '(there is|) no (rush|hurry)',
    'it is not urgent (at all|)',
    '(answer|reply) whenever you have (time|a moment)',
    '(I am|) just (curious|wondering|asking)',
    'it can wait (until next week|a while|)',
    'take your time',
    '(only|just) a (small|quick) question (really|)',
    'next (week|month) is fine (too|)',
    'it does not matter much',
    'no need to (hurry|rush)',
    'whenever it suits you',
  ],
  normal: [''],
}

/** Other things people say, which decide nothing. */
export const ASIDES = [
  'I (paid|spent) {price} euros',
  'I (bought|ordered) it on {day}',
  'it was a (gift|present) for my (sister|brother|mother|friend)',
  'I am a (new|long time|regular) customer',
  'I (like|love) your shop (otherwise|)',
  'your (site|shop) is (nice|easy to use)',
  'my customer number is {customer}',
  'I bought two of them',
  'my friend {name} has the same one',
  'I found you (online|in an ad)',
  'the weather is bad here',
  'I (wrote|called) (once|last week) (already|)',
  'the colour is nice',
  'we live on the {floor} floor',
]

export const ORDER_MENTIONS = [
  'order {order}',
  'my order is {order}',
  'order number {order}',
  'my order number is {order}',
  'it is order {order}',
  'the order number is {order}',
  'see order {order}',
  'ref {order}',
  'order no {order}',
  'it was order {order}',
]

export const GREETINGS = ['hi', 'hello', 'dear team', 'good morning', 'good day', 'hi there', 'hello support', 'hey']
export const CLOSINGS = [
  'thanks',
  'thank you',
  'best, {name}',
  'regards, {name}',
  'please let me know',
  'kind regards',
  '{name}',
]
