import { Id, OffChain, Searched, Text } from '../define.ts'
import { searchVector } from '../searchVector.ts'

@OffChain('The text of an uploaded document, so that it can be searched.')
@Searched('search_text_words', searchVector('text'))
export class SearchText {
  @Id('The keccak256 of the document.') id!: string
  @Text('`specification` or `sample`: a search reads a document only as what it is.') kind!: string
  @Text('Of a specification the name and the purpose, of a sample prompt and completion, on lines of their own.')
  text!: string
}
