import { ApiProperty } from '@nestjs/swagger';
import { IsIn, Matches } from 'class-validator';
import { LOCKOUT_REASONS, type LockoutReason } from '../../domain/access/lockout.events.js';
import { ACT_REASONS } from '../../domain/dual-control/dual-act.events.js';
import { SUBJECT } from '../auth/token-verifier.js';
import { REFERENCE } from '../../domain/values/file-number.js';

const REFERENCE_PROPERTY = {
  pattern: REFERENCE.source,
  description: 'Where more is written about it: the number of an order, a ticket or a file. No names, no sentences',
};

class StaffBody {
  @ApiProperty({ pattern: SUBJECT.source, description: '`sub` of the access token: how records name the person' })
  @Matches(SUBJECT, { message: 'must be 1 to 128 visible letters of ASCII, as in the access token' })
  subject!: string;

  @ApiProperty(REFERENCE_PROPERTY)
  @Matches(REFERENCE, { message: `must match ${REFERENCE.source}` })
  reference!: string;
}

export class LockoutBody extends StaffBody {
  @ApiProperty({ enum: LOCKOUT_REASONS })
  @IsIn(LOCKOUT_REASONS, { message: `must be one of ${LOCKOUT_REASONS.join(', ')}` })
  reason!: LockoutReason;
}

export class ReadmissionBody extends StaffBody {
  @ApiProperty({ enum: ACT_REASONS.readmit_person })
  @IsIn(ACT_REASONS.readmit_person, { message: `must be one of ${ACT_REASONS.readmit_person.join(', ')}` })
  reason!: (typeof ACT_REASONS.readmit_person)[number];
}

export class LockoutAnswer {
  @ApiProperty({ description: 'As it was written when the person was locked out; other ways of writing are the same' })
  subject!: string;

  @ApiProperty({ enum: LOCKOUT_REASONS })
  reason!: LockoutReason;

  @ApiProperty(REFERENCE_PROPERTY)
  reference!: string;

  @ApiProperty()
  by!: string;
}

export class LockoutsAnswer {
  @ApiProperty({ type: [LockoutAnswer] })
  lockouts!: readonly LockoutAnswer[];
}
