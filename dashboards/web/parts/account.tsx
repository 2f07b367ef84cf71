import { Link } from 'wouter'
import { pathOf } from '../paths.ts'
import { short } from '../say/figures.ts'

/** A link to an account, recognisable at a glance wherever it appears: a mark drawn from its digits, and its short form. */
export function Account({ id }: { id: string }) {
  return (
    <Link className="account" href={pathOf.account(id)} title={id}>
      <AccountMark id={id} />
    </Link>
  )
}

/** The same without a link: inside of buttons. */
export const AccountMark = ({ id }: { id: string }) => (
  <>
    <Mark id={id} />
    <code>{short(id)}</code>
  </>
)

/** A symmetric five by five pattern in the hue of the account's own digits. */
export function Mark({ id }: { id: string }) {
  const digits = [...id.replace(/^0x/, '').padEnd(40, '0')].map((digit) => Number.parseInt(digit, 16) || 0)
  const digitAt = (place: number) => digits[place] ?? 0
  const sum = digits.reduce((total, digit, place) => (total * 31 + digit * (place + 7)) % 9973, 17)
  const hue = (sum * 47) % 360
  const cells: string[] = []
  for (let row = 0; row < 5; row++)
    for (let column = 0; column < 3; column++) {
      const bit = (digitAt((row * 3 + column) * 2 + 3) + digitAt((row * 3 + column) * 2 + 4) + ((sum >> row) & 3)) % 2
      if (!bit) continue
      cells.push(`M${column} ${row}h1v1h-1z`)
      if (column < 2) cells.push(`M${4 - column} ${row}h1v1h-1z`)
    }
  return (
    <svg
      className="mark"
      viewBox="-0.5 -0.5 6 6"
      aria-hidden="true"
      style={{ color: `hsl(${hue} 55% var(--mark-light))` }}
    >
      <path d={cells.join('') || 'M2 2h1v1h-1z'} fill="currentColor" />
    </svg>
  )
}
