import { ApiProperty } from '@nestjs/swagger';
import type { PublicationCertificate } from '../../application/publication/published-facts.js';

export class PublicationCertificateAnswer implements PublicationCertificate {
  @ApiProperty({ type: 'integer', minimum: 0, description: 'The first entry that counts' })
  from!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Entries of the log up to which it speaks' })
  to!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Facts that are published of these entries' })
  count!: number;

  @ApiProperty({ description: 'Signed note: both sizes with their roots, number and digest of the facts' })
  certificate!: string;

  @ApiProperty({ type: [String], description: 'Notes in which a key of the log vouches for the next' })
  successions!: readonly string[];

  @ApiProperty({ type: [String], description: 'Declarations of loss: each begins another name of the log' })
  losses!: readonly string[];
}
