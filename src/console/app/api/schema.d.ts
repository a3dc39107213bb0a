/** What the server's own description says, as types. Generated: `UPDATE_CONSOLE_TYPES=1 ./honnin test
 * test/console/api-types.test.ts` writes it, and the same test fails while it is not current. */
export interface paths {
    "/v1/challenges": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A single-use nonce at the start of a card session */
        post: operations["issueChallenge"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/booth-settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Consent texts, limits and the server's time; to a booth that signs its question also how it stands */
        get: operations["getBoothSettings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/photo-checks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Whether a photograph would be compared at all, and what could be better; nothing is stored */
        post: operations["checkPhoto"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/registrations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Card and photograph of one session; sending them is the application */
        post: operations["receiveRegistration"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/registrations/{receipt}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The neutral status of a request */
        get: operations["getRegistrationStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/registrations/{receipt}/proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was promised with a receipt, and the proof that the log holds the entry; to be kept as a file */
        get: operations["proveReceipt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/registrations/{receipt}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The same status with each change, as server-sent events named `status`; ends with the final one */
        get: operations["streamRegistrationStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/holds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Open holds, the ones due first at the top, with a certificate of completeness. The look is on record */
        get: operations["listHolds"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/holds/{requestId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One hold with the opinions that the asking person may see. The look is on record */
        get: operations["getHold"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/holds/{requestId}/opinions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** An officer's opinion, given without knowing the other's */
        post: operations["giveOpinion"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/holds/{requestId}/opinions/withdrawal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes the asking officer's own opinion back, until the second one is in */
        post: operations["withdrawOpinion"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/holds/{requestId}/resolution": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends a hold as both opinions say, or by a third officer where they differ */
        post: operations["resolveHold"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/news": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How many holds are open and overdue, told again when that changes. No look, nothing is on record */
        get: operations["streamNews"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The cases, oldest first, with a certificate of completeness; or, with `receipt`, the case that a receipt belongs to. The look is on record */
        get: operations["listCases"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{requestId}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A case's history now, or as it was known at a moment. The look is on record */
        get: operations["replayCase"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{requestId}/images/{image}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A picture of the case. That somebody looked, and why, is on record before it is given out */
        get: operations["viewImage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{requestId}/effects/{effectId}/resumption": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a step that was given up on be tried again */
        post: operations["resumeEffect"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{requestId}/end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends a case that can never go on: stopped because its material is gone or is not what was received, or with a step that waits for an operator. What was sealed of it is erased; the holder is asked to come again, unless the case had an outcome before */
        post: operations["endRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/booths": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every booth, with a certificate of completeness */
        get: operations["listBooths"];
        put?: never;
        /** Proposes to enrol a booth with its public key. Another administrator agrees (`/v1/acts`) */
        post: operations["proposeBooth"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/booths/{boothId}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Proposes to give a booth a new public key. Another administrator agrees (`/v1/acts`) */
        post: operations["proposeBoothKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/booths/{boothId}/resumption": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Proposes to bring a suspended booth back. Another administrator agrees (`/v1/acts`) */
        post: operations["proposeResumption"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/booths/{boothId}/suspension": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Suspends a booth at once. It comes back when two administrators agree to it, unless it was retired */
        post: operations["suspendBooth"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/acts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everything that was proposed and what became of it, with a certificate of completeness */
        get: operations["listActs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/acts/{actId}/approval": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Agrees to what another administrator proposed. It is carried out when the waiting time of the policy is over */
        post: operations["approveAct"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/acts/{actId}/refusal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says no to a proposal, or takes an own one back, until it is carried out */
        post: operations["declineAct"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consumers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where every consumer of the log stands, and the events that it could not take */
        get: operations["listConsumers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consumers/{consumer}/resumption": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a consumer that stands still try again, after what was in its way has been put right */
        post: operations["resumeConsumer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consumers/{consumer}/replays": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has a parked event and what waits behind it handled, after what was in its way has been put right */
        post: operations["replayParked"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consumers/{consumer}/skips": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Proposes to let a consumer go past an event that it cannot take. Another administrator agrees (`/v1/acts`) */
        post: operations["proposeSkip"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/lockouts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everybody who is locked out now, on record */
        get: operations["listLockouts"];
        put?: never;
        /** Locks a person out at once, on every server, before the access token ends; what is open to them ends */
        post: operations["lockOut"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/lockouts/readmissions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Proposes to let a person in again who is locked out. Another administrator agrees (`/v1/acts`) */
        post: operations["proposeReadmission"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/waiting-cases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Cases that are stopped, and steps that were given up on */
        get: operations["listWaitingCases"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/policies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every version, and the one in force */
        get: operations["listPolicies"];
        put?: never;
        /** Proposes a new version */
        post: operations["proposePolicy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/policies/shipped-default": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the default of this version asks of photographs and the policy in force does not */
        get: operations["compareWithShippedDefault"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/policies/{version}/approval": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Approves another administrator's proposal */
        post: operations["approvePolicy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/policies/{version}/activation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts an approved version in force */
        post: operations["activatePolicy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/log/checkpoint": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The newest signed checkpoint (C2SP tlog-checkpoint) */
        get: operations["auditCheckpoint"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/log/cosigned": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The newest checkpoint that witnesses have cosigned, with their lines (C2SP tlog-cosignature) */
        get: operations["auditCosigned"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The log's public keys. Get them by another way too before trusting them */
        get: operations["auditKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/proofs/inclusion": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** That an entry is in the log of the newest checkpoint */
        get: operations["proveInclusion"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/proofs/consistency": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** That an earlier log is the beginning of a later one */
        get: operations["proveConsistency"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/exports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A bundle that proves itself offline. That it was handed out is on record before its first line is */
        post: operations["exportBundle"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/erasures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Proposes to erase the registrant of a closed request: images, sealed evidence, and the link from the log to the person. Another administrator agrees (`/v1/acts`) */
        post: operations["proposeErasure"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/what-ifs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What other thresholds would have done to the whole history: which cases flip, by booth and month, and what officers decided of them later. Touches nothing; the look is on record */
        post: operations["whatIf"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/cases/{requestId}/state": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was known of a case at a moment */
        get: operations["caseStateAt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/cases/{requestId}/difference": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What changed in a case between two moments */
        get: operations["caseDifference"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/cases/{requestId}/explanation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Why it was decided so, in plain words */
        get: operations["explainCase"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/lists/{list}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A list as of now or any moment of the past, with its certificate */
        get: operations["auditList"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/lists/{list}/difference": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What differs in a list between two moments: rows that came, went and changed */
        get: operations["auditListDifference"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sign-in": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where officers, auditors and administrators sign in */
        get: operations["getSignIn"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process answers at all */
        get: operations["live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether it can do its work now. What is wrong is said to who shows the token of the operator */
        get: operations["ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Measurements in the Prometheus text format, for who shows the token of the operator */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/problems/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a problem code means */
        get: operations["explainProblem"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is asking, and with which roles. No look, nothing is on record */
        get: operations["whoAmI"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/verifier": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The offline verifier: one HTML file to be kept and opened without a network. Its digest stands in the log. Who does not trust this server takes it from somewhere else */
        get: operations["offlineVerifier"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        FormErrorAnswer: {
            /** @description JSON pointer into the body, or into the part; '' is the whole of it, or nothing of it */
            pointer: string;
            /** @description The part of an upload */
            part?: string;
            /** @description The query parameter */
            parameter?: string;
            /** @description The header field */
            header?: string;
            /** @description What is expected there */
            expected: string;
        };
        Problem: {
            /**
             * Format: uri-reference
             * @example /problems/nonce_expired
             */
            type: string;
            title: string;
            status: number;
            /**
             * @description What programs read: a code keeps its meaning. Each answer names its own under `x-problem-codes`; take one that you do not know for what the status says, later releases have more
             * @example nonce_expired
             */
            code: string;
            /** @description What to do now, in English or Japanese as Accept-Language asks */
            detail: string;
            /**
             * Format: uri
             * @description Names this occurrence, for questions to the operator
             */
            instance: string;
            /** @description Which places have not the agreed form */
            errors?: components["schemas"]["FormErrorAnswer"][];
        };
        ChallengeBody: {
            /**
             * @description The enrolled id of the booth
             * @example booth-0001
             */
            boothId: string;
        };
        ChallengeAnswer: {
            /** @description Single-use nonce, base64url */
            nonce: string;
            /** Format: date-time */
            expiresAtUtc: string;
            /**
             * @description How the person turns the head after the photograph, for booths that send further frames; left and right are the person's own
             * @enum {string}
             */
            prompt: "turn-left" | "turn-right";
        };
        ProvenBoothAnswer: {
            boothId: string;
            /** @enum {string} */
            standing: "enrolled" | "suspended";
            /** @description Which of its keys signed, counted from 1 */
            keyVersion: number;
        };
        HintAnswer: {
            ja: string;
            en: string;
        };
        ConsentTextAnswer: {
            /**
             * @description What `consent.textVersion` says when this text was agreed to
             * @example 2026-11
             */
            version: string;
            /** @description Shown before the capture; null: the office gives out this text itself */
            text: components["schemas"]["HintAnswer"] | null;
            /** @description The question whose answer is `consent.keepReferenceImage` */
            keepReferenceImage: components["schemas"]["HintAnswer"] | null;
        };
        BoothLimitsAnswer: {
            photoBytesMax: number;
            frameBytesMax: number;
            /** @description Further frames of one capture */
            framesMax: number;
            certificateBytesMax: number;
            cardRecordBytesMax: number;
            cardIssuerCertificateBytesMax: number;
            /** @description So far a capture's time may be ahead of the server's clock */
            clockSkewSecondsMax: number;
            /** @description So old a capture may be when it comes */
            captureAgeMinutesMax: number;
            /** @description So long a challenge serves */
            challengeLifetimeSeconds: number;
            /** @description So far Honnin-Requested-At may be from the server's clock */
            questionClockSkewSecondsMax: number;
        };
        BoothSettingsAnswer: {
            /**
             * Format: date-time
             * @description The server's clock; a booth knows by it how far its own is off
             */
            serverTimeUtc: string;
            policyVersion: number;
            /** @description How the booth stands whose key signed the question; null for everybody else, known booth or not */
            booth: components["schemas"]["ProvenBoothAnswer"] | null;
            /** @description Texts that a capture may name */
            consentTexts: components["schemas"]["ConsentTextAnswer"][];
            limits: components["schemas"]["BoothLimitsAnswer"];
        };
        PhotoCheckBody: {
            boothId: string;
            /** @description As given by POST /v1/challenges; it stays good for the capture */
            nonce: string;
            /** @description SHA-256 of the exact bytes of the part, lower-case hexadecimal */
            photoSha256: string;
            /** @description Ed25519 by the booth's enrolled key over the photo check text */
            boothSignature: string;
        };
        PhotoReasonAnswer: {
            /** @enum {string} */
            reason: "no_face" | "several_faces" | "face_too_small" | "too_blurred" | "turned_away" | "not_upright" | "eyes_closed" | "eyes_covered" | "mouth_covered" | "printed_frame" | "unreadable_image" | "image_too_large" | "poor_quality";
            hint: components["schemas"]["HintAnswer"];
        };
        PhotoMeasureAnswer: {
            /**
             * @description Name of ISO/IEC 29794-5
             * @enum {string}
             */
            measure: "UnifiedQualityScore" | "BackgroundUniformity" | "IlluminationUniformity" | "LuminanceMean" | "LuminanceVariance" | "UnderExposurePrevention" | "OverExposurePrevention" | "DynamicRange" | "Sharpness" | "CompressionArtifacts" | "NaturalColour" | "SingleFacePresent" | "EyesOpen" | "MouthClosed" | "EyesVisible" | "MouthOcclusionPrevention" | "FaceOcclusionPrevention" | "InterEyeDistance" | "HeadSize" | "LeftwardCropOfTheFaceImage" | "RightwardCropOfTheFaceImage" | "MarginAboveOfTheFaceImage" | "MarginBelowOfTheFaceImage" | "HeadPoseYaw" | "HeadPosePitch" | "HeadPoseRoll" | "ExpressionNeutrality" | "NoHeadCoverings";
            /** @description 100 is best */
            value: number;
            hint: components["schemas"]["HintAnswer"];
        };
        PhotoCheckAnswerBody: {
            /** @description Whether the photograph would be compared at all; nothing about the outcome */
            usable: boolean;
            /** @description Whether two officers would look at it before it is used, because something about it cannot be told */
            review: boolean;
            /** @description Why it would not be compared */
            reasons: components["schemas"]["PhotoReasonAnswer"][];
            /** @description What could be better, worst first */
            guidance: components["schemas"]["PhotoMeasureAnswer"][];
        };
        ConsentBody: {
            /**
             * @description Version of the text that was shown and agreed to before the capture
             * @example 2026-11
             */
            textVersion: string;
            /** @description Whether the holder also agreed that the photograph is kept for later comparisons */
            keepReferenceImage: boolean;
        };
        CaptureEnvelopeBody: {
            /** @description As given by POST /v1/challenges */
            nonce: string;
            boothId: string;
            /** @description Counts the captures of this booth */
            counter: number;
            /** @enum {string} */
            certificateType: "user_authentication" | "digital_signature";
            /** @enum {string} */
            mode: "GOVERNMENT_SUBMISSION" | "REGISTRY_ONLY";
            /**
             * @description The booth's clock at the capture, in UTC: it is signed, so there is one way to write it
             * @example 2026-11-23T08:15:30.123Z
             */
            capturedAtUtc: string;
            /** @description SHA-256 of the exact bytes of the part, lower-case hexadecimal */
            photoSha256: string;
            /** @description SHA-256 of the exact bytes of the part, lower-case hexadecimal */
            certificateSha256: string;
            /** @description SHA-256 of the exact bytes of the part, lower-case hexadecimal */
            cardRecordSha256: string;
            /** @description SHA-256 of the exact bytes of the part, lower-case hexadecimal */
            cardIssuerCertificateSha256: string;
            /** @description SHA-256 of the parts frame0 to frame3 in their order; absent where there are none */
            framesSha256?: string[];
            consent: components["schemas"]["ConsentBody"];
        };
        RegistrationRequestBody: {
            envelope: components["schemas"]["CaptureEnvelopeBody"];
            /** @description Ed25519 by the booth's enrolled key */
            boothSignature: string;
            /** @description By the certificate's key */
            cardSignature: string;
            /** @description By the key in the card's face record */
            cardChallengeSignature: string;
        };
        ReceiptAnswer: {
            /**
             * @description Printed for the holder
             * @example 7K3M-9QXD-2VTB-HW60
             */
            receipt: string;
            /** @enum {string} */
            status: "received";
            /** @description Signed note: the log will hold the entry of this request within 60 s. Keep it. null where nothing can be promised; the request is received all the same */
            promise: string | null;
        };
        StatusAnswer: {
            /** @example 7K3M-9QXD-2VTB-HW60 */
            receipt: string;
            /**
             * @description Neutral: a held case and a slow case both say `processing`
             * @enum {string}
             */
            status: "received" | "processing" | "registered" | "not_registered" | "visit_again";
            /** Format: date-time */
            updatedAtUtc: string;
        };
        ReceiptInclusionAnswer: {
            /** @description Place in the log */
            index: number;
            /** @description Entries of the checkpoint */
            size: number;
            /** @description Base64; the same as in the promise */
            leafHash: string;
            /** @description RFC 9162, section 2.1.3; base64 */
            proof: string[];
            /** @description The signed checkpoint of these entries */
            checkpoint: string;
        };
        ReceiptProofAnswer: {
            /** @example 7K3M-9QXD-2VTB-HW60 */
            receipt: string;
            /** @description What was promised with the receipt; signed by the key of today */
            promise: string;
            /** @description null until the log holds the entry */
            inclusion: components["schemas"]["ReceiptInclusionAnswer"] | null;
            /** @description Signed note: the newest checkpoint does not hold the entry. null once one does */
            absence: string | null;
            /** @description Notes in which a key of the log vouches for the next */
            successions: string[];
            /** @description Declarations of loss: each begins another name of the log */
            losses: string[];
        };
        ListMoment: {
            /** @description Place of the newest entry of the signed log that was looked at */
            position: number;
            /** Format: date-time */
            atUtc: string;
            /** @description False when the signed log is behind what was stored when the question came: the list speaks up to `position` and not beyond */
            isNewest: boolean;
            /** @description Entries of the tree that the certificate speaks about */
            treeSize: number;
        };
        ListPage: {
            offset: number;
            rows: number;
            /** @description Rows of the whole list */
            of: number;
        };
        ClippedBoundAnswer: {
            /** @enum {string} */
            bound: "from" | "to";
            /** Format: date-time */
            askedUtc: string;
            /**
             * Format: date-time
             * @description What was taken instead, as `query` has it
             */
            usedUtc: string;
            /** @enum {string} */
            why: "before_the_first_event" | "after_the_latest_event";
        };
        CertifiedHoldAnswer: {
            /** Format: uuid */
            requestId: string;
            boothId: string;
            /** @enum {string} */
            reason: "registered_gap" | "registered_mismatch" | "referral_band" | "frames_inconsistent" | "portrait_doubtful" | "erased_before" | "card_differs" | "card_unconfirmed";
            /** @description S(captured, card) */
            cardPoints: number;
            /** @description S(captured, registered) */
            registeredPoints: number | null;
            /** @description S(card) − S(registered) */
            differencePoints: number | null;
            /** @description The set value that was reached; null where the reason is none of points */
            boundPoints: number | null;
            policyVersion: number | null;
            /** Format: date-time */
            openedAtUtc: string;
            /**
             * Format: date-time
             * @description Nobody having resolved it by then, the hold expires
             */
            dueAtUtc: string;
            /** @description How many opinions are in */
            opinions: number;
            /**
             * @description null while open
             * @enum {string|null}
             */
            outcome: "released" | "rejected" | "recapture" | "expired" | "closed" | null;
            /** @description Tokens of the officers who decided; empty while open */
            officers: string[];
            /** Format: date-time */
            resolvedAtUtc: string | null;
        };
        HoldsAnswer: {
            /** @enum {string} */
            list: "requests" | "holds" | "booths" | "acts" | "policies" | "accesses" | "dashboard" | "decisions" | "erasures" | "exports";
            /** @description The filter as it was asked */
            query: {
                [key: string]: unknown;
            };
            /** @description Signed note: list, query, moment, tree, count of all rows, digests of all rows and of this page (docs/audit.md) */
            certificate: string;
            /** @description Signed checkpoint of the tree that the certificate speaks about */
            checkpoint: string;
            /** @description Notes in which a key of the log vouches for the next */
            successions: string[];
            /** @description Who the tokens stand for, where it was asked: token to person and salt */
            openings: {
                [key: string]: unknown;
            };
            /** @description The cursor of the next page; null on the last */
            next: string | null;
            asOf: components["schemas"]["ListMoment"];
            page: components["schemas"]["ListPage"];
            /** @description Bounds that lay outside of what the log can tell of; there only where `from` or `to` was asked for */
            clipped?: components["schemas"]["ClippedBoundAnswer"][];
            holds: components["schemas"]["CertifiedHoldAnswer"][];
        };
        HoldAnswer: {
            /** Format: uuid */
            requestId: string;
            boothId: string;
            /** @enum {string} */
            reason: "registered_gap" | "registered_mismatch" | "referral_band" | "frames_inconsistent" | "portrait_doubtful" | "erased_before" | "card_differs" | "card_unconfirmed";
            /** @description S(captured, card) */
            cardPoints: number;
            /** @description S(captured, registered) */
            registeredPoints: number | null;
            /** @description S(card) − S(registered) */
            differencePoints: number | null;
            /** @description The set value that was reached; null where the reason is none of points */
            boundPoints: number | null;
            policyVersion: number | null;
            /** Format: date-time */
            openedAtUtc: string;
            /**
             * Format: date-time
             * @description Nobody having resolved it by then, the hold expires
             */
            dueAtUtc: string;
            /** @description How many opinions are in */
            opinions: number;
            /**
             * @description null while open
             * @enum {string|null}
             */
            outcome: "released" | "rejected" | "recapture" | "expired" | "closed" | null;
        };
        ToldOpinionAnswer: {
            officer: string;
            /** @enum {string} */
            opinion: "release" | "reject" | "recapture";
            /** @enum {string} */
            reason: "same_person" | "different_person" | "card_photograph_doubtful" | "registered_image_doubtful" | "photograph_unclear" | "checked_in_person";
            /** @description Pictures of the case that the officer had opened by then; null for opinions of before this was kept */
            seen: ("photo" | "card_face" | "registered_face")[] | null;
            /** @description Whether words were written beside it */
            hasNote: boolean;
            /** @description null: none was written, or, where `hasNote`, it was erased with the person */
            note: string | null;
        };
        WordsAnswer: {
            ja: string;
            en: string;
        };
        HoldDetailAnswer: {
            hold: components["schemas"]["HoldAnswer"];
            /** @description Only the asking officer's own until both are in */
            opinions: components["schemas"]["ToldOpinionAnswer"][];
            /** @description What the scores mean under the policy that decided */
            explanation: components["schemas"]["WordsAnswer"][];
        };
        OpinionBody: {
            /** @enum {string} */
            opinion: "release" | "reject" | "recapture";
            /** @enum {string} */
            reason: "same_person" | "different_person" | "card_photograph_doubtful" | "registered_image_doubtful" | "photograph_unclear" | "checked_in_person";
            /** @description Words beside the opinion, for who reads the hold when both opinions are in. They lie sealed with what is kept of the person and are erased with it; they do not stand in the log */
            note?: string;
        };
        OpinionAnswer: {
            officer: string;
            /** @enum {string} */
            opinion: "release" | "reject" | "recapture";
            /** @enum {string} */
            reason: "same_person" | "different_person" | "card_photograph_doubtful" | "registered_image_doubtful" | "photograph_unclear" | "checked_in_person";
            /** @description Pictures of the case that the officer had opened by then; null for opinions of before this was kept */
            seen: ("photo" | "card_face" | "registered_face")[] | null;
            /** @description Whether words were written beside it */
            hasNote: boolean;
        };
        ReviewAnswer: {
            /** Format: uuid */
            requestId: string;
            /** @enum {string} */
            stage: "open" | "resolved";
            /**
             * @description null while open
             * @enum {string|null}
             */
            outcome: "released" | "rejected" | "recapture" | "expired" | "closed" | null;
            /** @description Only the asking officer's own until both are in */
            opinions: components["schemas"]["OpinionAnswer"][];
        };
        ResolutionBody: {
            /** @enum {string} */
            outcome: "released" | "rejected" | "recapture";
            /** @enum {string} */
            reason: "same_person" | "different_person" | "card_photograph_doubtful" | "registered_image_doubtful" | "photograph_unclear" | "checked_in_person";
            /** @description Words beside the opinion, for who reads the hold when both opinions are in. They lie sealed with what is kept of the person and are erased with it; they do not stand in the log */
            note?: string;
        };
        CaseAnswer: {
            /** Format: uuid */
            requestId: string;
            receipt: string;
            /** @enum {string} */
            status: "received" | "processing" | "registered" | "not_registered" | "visit_again";
            /** Format: date-time */
            updatedAtUtc: string;
        };
        RequestRowAnswer: {
            /** Format: uuid */
            requestId: string;
            boothId: string;
            /** @example GOVERNMENT_SUBMISSION */
            mode: string;
            /** Format: date-time */
            receivedAtUtc: string;
            /** @example accepted */
            stage: string;
            /** Format: date-time */
            changedAtUtc: string;
        };
        CasesAnswer: {
            /** @enum {string} */
            list: "requests" | "holds" | "booths" | "acts" | "policies" | "accesses" | "dashboard" | "decisions" | "erasures" | "exports";
            /** @description The filter as it was asked */
            query: {
                [key: string]: unknown;
            };
            /** @description Signed note: list, query, moment, tree, count of all rows, digests of all rows and of this page (docs/audit.md) */
            certificate: string;
            /** @description Signed checkpoint of the tree that the certificate speaks about */
            checkpoint: string;
            /** @description Notes in which a key of the log vouches for the next */
            successions: string[];
            /** @description Who the tokens stand for, where it was asked: token to person and salt */
            openings: {
                [key: string]: unknown;
            };
            /** @description The cursor of the next page; null on the last */
            next: string | null;
            asOf: components["schemas"]["ListMoment"];
            page: components["schemas"]["ListPage"];
            /** @description Bounds that lay outside of what the log can tell of; there only where `from` or `to` was asked for */
            clipped?: components["schemas"]["ClippedBoundAnswer"][];
            cases: components["schemas"]["RequestRowAnswer"][];
        };
        TimelineRowAnswer: {
            /** @description Place in the log: opaque, ordered */
            position: string;
            /** Format: date-time */
            recordedAtUtc: string;
            stream: string;
            revision: number;
            /** @example FaceMatched */
            type: string;
            /** @example system:saga */
            actor: string;
            policyVersion: number | null;
            /** @description The event's facts; `{"withheld": true}` for another officer's opinion while the review is open */
            data: {
                [key: string]: unknown;
            };
        };
        HistoryAnswer: {
            /** Format: uuid */
            requestId: string;
            /**
             * Format: date-time
             * @description The instant that was asked for; null: now
             */
            atUtc: string | null;
            /** @description The position in the log that was asked for */
            position: number | null;
            events: components["schemas"]["TimelineRowAnswer"][];
        };
        EndBody: {
            /** @enum {string} */
            reason: "tampering_suspected" | "storage_failed" | "restored_from_backup" | "outside_service_gone" | "fault_of_this_program";
            /** @description Where more is written about it: the number of an incident, a ticket or a file. No names, no sentences */
            reference: string;
        };
        BoothRowAnswer: {
            boothId: string;
            /** @enum {string} */
            state: "enrolled" | "suspended";
            keyVersion: number;
            /** Format: date-time */
            changedAtUtc: string;
        };
        BoothsAnswer: {
            /** @enum {string} */
            list: "requests" | "holds" | "booths" | "acts" | "policies" | "accesses" | "dashboard" | "decisions" | "erasures" | "exports";
            /** @description The filter as it was asked */
            query: {
                [key: string]: unknown;
            };
            /** @description Signed note: list, query, moment, tree, count of all rows, digests of all rows and of this page (docs/audit.md) */
            certificate: string;
            /** @description Signed checkpoint of the tree that the certificate speaks about */
            checkpoint: string;
            /** @description Notes in which a key of the log vouches for the next */
            successions: string[];
            /** @description Who the tokens stand for, where it was asked: token to person and salt */
            openings: {
                [key: string]: unknown;
            };
            /** @description The cursor of the next page; null on the last */
            next: string | null;
            asOf: components["schemas"]["ListMoment"];
            page: components["schemas"]["ListPage"];
            /** @description Bounds that lay outside of what the log can tell of; there only where `from` or `to` was asked for */
            clipped?: components["schemas"]["ClippedBoundAnswer"][];
            booths: components["schemas"]["BoothRowAnswer"][];
        };
        EnrolmentBody: {
            /** @example booth-0001 */
            boothId: string;
            /** @description Ed25519 SubjectPublicKeyInfo, DER */
            publicKey: string;
            /** @enum {string} */
            reason: "new_site" | "replacement" | "trial";
            /** @description Where more is written about it: the number of an order, a ticket or a file. No names, no sentences */
            reference: string;
        };
        ActAnswer: {
            /** Format: uuid */
            actId: string;
            /** @enum {string} */
            stage: "proposed" | "approved" | "begun" | "declined" | "carried_out" | "refused";
            /** @description What would be done: `act`, and whom or what it is about */
            proposal?: {
                /** @enum {string} */
                act: "erase_registrant" | "enrol_booth" | "rotate_booth_key" | "resume_booth" | "readmit_person" | "skip_event";
            } & {
                [key: string]: string;
            };
            /** @enum {string} */
            reason: "consent_withdrawn" | "retention_limit" | "request_of_the_person" | "new_site" | "replacement" | "trial" | "scheduled" | "repair" | "suspected_disclosure" | "maintenance_done" | "found_again" | "false_alarm" | "device_replaced" | "cleared" | "returned" | "fault_of_this_program" | "done_by_other_means" | "without_effect";
            /** @description Where more is written about it: the number of an order, a ticket or a file. No names, no sentences */
            reference: string;
            proposedBy: string;
            approvedBy: string | null;
            /**
             * Format: date-time
             * @description Until then it can be declined; from then on it is carried out
             */
            notBeforeUtc: string | null;
            /** @description Why it was not possible any more when its time came; nothing was done then */
            refusal: string | null;
            /** @description Of an erasure that was carried out: for how many days, and until when, a card of the person is still known as erased before, and nothing else of it. `untilUtc` is null for 0 days */
            tombstone?: {
                days: number;
                /** Format: date-time */
                untilUtc: string | null;
            } | null;
        };
        KeyBody: {
            /** @description Ed25519 SubjectPublicKeyInfo, DER */
            publicKey: string;
            /** @enum {string} */
            reason: "scheduled" | "repair" | "suspected_disclosure";
            /** @description Where more is written about it: the number of an order, a ticket or a file. No names, no sentences */
            reference: string;
        };
        ResumptionBody: {
            /** @enum {string} */
            reason: "maintenance_done" | "found_again" | "false_alarm";
            /** @description Where more is written about it: the number of an order, a ticket or a file. No names, no sentences */
            reference: string;
        };
        SuspensionBody: {
            /** @enum {string} */
            reason: "lost" | "tampered" | "maintenance" | "retired";
        };
        BoothAnswer: {
            boothId: string;
            /** @enum {string} */
            stage: "enrolled" | "suspended";
            /** @description Ed25519 SubjectPublicKeyInfo, DER */
            publicKey: string;
            keyVersion: number;
        };
        ActRowAnswer: {
            /** Format: uuid */
            actId: string;
            /** @enum {string} */
            act: "erase_registrant" | "enrol_booth" | "rotate_booth_key" | "resume_booth" | "readmit_person" | "skip_event";
            /** @description Whom or what it is about */
            of: {
                [key: string]: string;
            };
            reason: string;
            reference: string;
            /** @enum {string} */
            stage: "proposed" | "approved" | "begun" | "declined" | "carried_out" | "refused";
            /** @description A token; `lists/acts` opens it for auditors */
            proposedBy: string;
            /** Format: date-time */
            proposedAtUtc: string;
            approvedBy: string | null;
            /** Format: date-time */
            notBeforeUtc: string | null;
            declinedBy: string | null;
            refusal: string | null;
            /** Format: date-time */
            changedAtUtc: string;
        };
        ActsAnswer: {
            /** @enum {string} */
            list: "requests" | "holds" | "booths" | "acts" | "policies" | "accesses" | "dashboard" | "decisions" | "erasures" | "exports";
            /** @description The filter as it was asked */
            query: {
                [key: string]: unknown;
            };
            /** @description Signed note: list, query, moment, tree, count of all rows, digests of all rows and of this page (docs/audit.md) */
            certificate: string;
            /** @description Signed checkpoint of the tree that the certificate speaks about */
            checkpoint: string;
            /** @description Notes in which a key of the log vouches for the next */
            successions: string[];
            /** @description Who the tokens stand for, where it was asked: token to person and salt */
            openings: {
                [key: string]: unknown;
            };
            /** @description The cursor of the next page; null on the last */
            next: string | null;
            asOf: components["schemas"]["ListMoment"];
            page: components["schemas"]["ListPage"];
            /** @description Bounds that lay outside of what the log can tell of; there only where `from` or `to` was asked for */
            clipped?: components["schemas"]["ClippedBoundAnswer"][];
            acts: components["schemas"]["ActRowAnswer"][];
        };
        StoppedAtAnswer: {
            /** Format: uuid */
            eventId: string;
            type: string;
            stream: string;
        };
        ParkedEventAnswer: {
            /** Format: uuid */
            eventId: string;
            type: string;
            /** @description The stream in which it is, and its place there */
            stream: string;
            revision: number;
            /** @description Why, in words for an operator */
            error: string;
            /** Format: date-time */
            parkedAtUtc: string;
        };
        ConsumerAnswer: {
            consumer: string;
            /** @enum {string} */
            state: "idle" | "standby" | "building" | "catching_up" | "live" | "retrying" | "failing" | "stopped";
            /** @description Place in the log up to which it has come */
            position: string | null;
            lastError: string | null;
            /** @description The event before which it stands still, until it is resumed */
            stoppedAt: components["schemas"]["StoppedAtAnswer"] | null;
            /** @description Whether two administrators can let it go past an event */
            maySkip: boolean;
            parked: components["schemas"]["ParkedEventAnswer"][];
        };
        ConsumersAnswer: {
            consumers: components["schemas"]["ConsumerAnswer"][];
        };
        ReplayBody: {
            /**
             * Format: uuid
             * @description The event that waits
             */
            eventId: string;
        };
        ReplayAnswer: {
            /** @description Events that were handled: this one and what waited behind it */
            replayed: number;
        };
        SkipBody: {
            /**
             * Format: uuid
             * @description The event that waits
             */
            eventId: string;
            /** @enum {string} */
            reason: "fault_of_this_program" | "done_by_other_means" | "without_effect";
            /** @description Where more is written about it: the number of an order, a ticket or a file. No names, no sentences */
            reference: string;
        };
        LockoutAnswer: {
            /** @description As it was written when the person was locked out; other ways of writing are the same */
            subject: string;
            /** @enum {string} */
            reason: "left_office" | "lost_device" | "suspected_misuse" | "stolen_credentials";
            /** @description Where more is written about it: the number of an order, a ticket or a file. No names, no sentences */
            reference: string;
            by: string;
        };
        LockoutsAnswer: {
            lockouts: components["schemas"]["LockoutAnswer"][];
        };
        LockoutBody: {
            /** @description `sub` of the access token: how records name the person */
            subject: string;
            /** @description Where more is written about it: the number of an order, a ticket or a file. No names, no sentences */
            reference: string;
            /** @enum {string} */
            reason: "left_office" | "lost_device" | "suspected_misuse" | "stolen_credentials";
        };
        ReadmissionBody: {
            /** @description `sub` of the access token: how records name the person */
            subject: string;
            /** @description Where more is written about it: the number of an order, a ticket or a file. No names, no sentences */
            reference: string;
            /** @enum {string} */
            reason: "false_alarm" | "device_replaced" | "cleared" | "returned";
        };
        StoppedCaseAnswer: {
            /** Format: uuid */
            requestId: string;
            /** @enum {string} */
            cause: "material_differed" | "material_missing";
            /** Format: date-time */
            receivedAtUtc: string;
        };
        StuckStepAnswer: {
            /** Format: uuid */
            requestId: string;
            /** @description Names the step to `POST /v1/cases/{requestId}/effects/{effectId}/resumption` */
            effectId: string;
            /** @description What the step does */
            effect: string;
            /** @description What the last try met, if nobody expected it */
            error: string | null;
        };
        WaitingCasesAnswer: {
            /** @description What is kept of them is not what was received, or is gone */
            stopped: components["schemas"]["StoppedCaseAnswer"][];
            /** @description Steps that were tried as often as the policy says */
            stuck: components["schemas"]["StuckStepAnswer"][];
        };
        AttachedReportAnswer: {
            /** @description SHA-256 of the canonical JSON of the report, hex */
            sha256: string;
            /** @description The signed statement */
            note: string;
        };
        RetryBody: {
            firstDelaySeconds: number;
            delaySecondsMax: number;
            attemptsMax: number;
        };
        PolicyBody: {
            /** @description S(captured, card) at or above this is the same person */
            cardMatchPointsMin: number;
            referralPointsMin: number;
            holdInReferralBand: boolean;
            /** @description Claim 4: a difference at or above this is held */
            holdMarginPoints: number;
            registeredMatchPointsMin: number;
            holdOnRegisteredMismatch: boolean;
            /** @description Whether frames that show another person, or a turn that was not followed, lead to a hold */
            holdOnFramesInconsistent: boolean;
            /** @description Whether a certificate of which nobody can tell that it is of the card whose face was compared leads to a hold. A contradiction always does */
            holdOnCardUnconfirmed: boolean;
            /** @description Types of certificate that are accepted where no authority tells which two certificates are on one card */
            certificateTypesWithoutSameCard: ("user_authentication" | "digital_signature")[];
            /** @description Whether a person without a registered image has to come with the signing certificate */
            signingCertificateAtFirstRegistration: boolean;
            /** @description Measure (ISO/IEC 29794-5 name) to minimum: a photograph below it is taken again */
            photoQualityMin: {
                [key: string]: number;
            };
            /** @description Measure to bound: a photograph below it, or of which the measure could not be assessed, is held for two officers */
            photoQualityHoldBelow: {
                [key: string]: number;
            };
            holdDueHours: number;
            /** @description A case that is open for longer degrades /health/ready; more than holdDueHours */
            caseOpenHoursMax: number;
            /** @description The sealed evidence of a refused certificate is erased so many days after the refusal */
            refusedEvidenceRetentionDays: number;
            /** @description For so many days after an erasure a card of the person is known as erased before, and its registration held; 0: never */
            erasedBeforeDays: number;
            /** @description What two people agreed to is carried out so many minutes later; until then it can be declined */
            dualControlWaitMinutes: number;
            clockSkewSecondsMax: number;
            captureAgeMinutesMax: number;
            challengeLifetimeSeconds: number;
            photoBytesMax: number;
            consentTextVersions: string[];
            retry: components["schemas"]["RetryBody"];
        };
        PolicyVersionAnswer: {
            version: number;
            values: components["schemas"]["PolicyBody"];
            proposedBy: string;
            approvedBy: string | null;
            /** @description The what-if report that came with the proposal */
            report: components["schemas"]["AttachedReportAnswer"] | null;
            /** @description The version that the proposer changed */
            basedOn: number | null;
        };
        CertifiedPoliciesAnswer: {
            /** @enum {string} */
            list: "requests" | "holds" | "booths" | "acts" | "policies" | "accesses" | "dashboard" | "decisions" | "erasures" | "exports";
            /** @description The filter as it was asked */
            query: {
                [key: string]: unknown;
            };
            /** @description Signed note: list, query, moment, tree, count of all rows, digests of all rows and of this page (docs/audit.md) */
            certificate: string;
            /** @description Signed checkpoint of the tree that the certificate speaks about */
            checkpoint: string;
            /** @description Notes in which a key of the log vouches for the next */
            successions: string[];
            /** @description Who the tokens stand for, where it was asked: token to person and salt */
            openings: {
                [key: string]: unknown;
            };
            /** @description The cursor of the next page; null on the last */
            next: string | null;
            asOf: components["schemas"]["ListMoment"];
            page: components["schemas"]["ListPage"];
            /** @description Bounds that lay outside of what the log can tell of; there only where `from` or `to` was asked for */
            clipped?: components["schemas"]["ClippedBoundAnswer"][];
            rows: {
                [key: string]: unknown;
            }[];
            /** @description The version in force */
            active: number | null;
            versions: components["schemas"]["PolicyVersionAnswer"][];
        };
        PolicyDifferenceAnswer: {
            /** @description Member of the policy and measure */
            field: string;
            /** @description What the policy in force asks for; null: nothing */
            inForce: number | null;
            shipped: number;
        };
        ShippedDefaultAnswer: {
            /** @description Whether the policy in force is from before the default of this version, and nobody has decided about it since */
            isOlder: boolean;
            differences: components["schemas"]["PolicyDifferenceAnswer"][];
            /** @description The policy in force with what is missing: to be proposed as it is */
            proposal: components["schemas"]["PolicyBody"] | null;
        };
        ProposalBody: {
            /** @description S(captured, card) at or above this is the same person */
            cardMatchPointsMin: number;
            referralPointsMin: number;
            holdInReferralBand: boolean;
            /** @description Claim 4: a difference at or above this is held */
            holdMarginPoints: number;
            registeredMatchPointsMin: number;
            holdOnRegisteredMismatch: boolean;
            /** @description Whether frames that show another person, or a turn that was not followed, lead to a hold */
            holdOnFramesInconsistent: boolean;
            /** @description Whether a certificate of which nobody can tell that it is of the card whose face was compared leads to a hold. A contradiction always does */
            holdOnCardUnconfirmed: boolean;
            /** @description Types of certificate that are accepted where no authority tells which two certificates are on one card */
            certificateTypesWithoutSameCard: ("user_authentication" | "digital_signature")[];
            /** @description Whether a person without a registered image has to come with the signing certificate */
            signingCertificateAtFirstRegistration: boolean;
            /** @description Measure (ISO/IEC 29794-5 name) to minimum: a photograph below it is taken again */
            photoQualityMin: {
                [key: string]: number;
            };
            /** @description Measure to bound: a photograph below it, or of which the measure could not be assessed, is held for two officers */
            photoQualityHoldBelow: {
                [key: string]: number;
            };
            holdDueHours: number;
            /** @description A case that is open for longer degrades /health/ready; more than holdDueHours */
            caseOpenHoursMax: number;
            /** @description The sealed evidence of a refused certificate is erased so many days after the refusal */
            refusedEvidenceRetentionDays: number;
            /** @description For so many days after an erasure a card of the person is known as erased before, and its registration held; 0: never */
            erasedBeforeDays: number;
            /** @description What two people agreed to is carried out so many minutes later; until then it can be declined */
            dualControlWaitMinutes: number;
            clockSkewSecondsMax: number;
            captureAgeMinutesMax: number;
            challengeLifetimeSeconds: number;
            photoBytesMax: number;
            consentTextVersions: string[];
            retry: components["schemas"]["RetryBody"];
            /** @description The note of a what-if report (`POST /v1/audit/what-ifs`), signed by this log and made for these values; it goes into the record of the proposal */
            reportNote?: string;
            /** @description The version that was changed. Default: the one in force. It comes into force only as long as that one is */
            basedOn?: number;
        };
        PoliciesAnswer: {
            /** @description The version in force */
            active: number | null;
            versions: components["schemas"]["PolicyVersionAnswer"][];
        };
        AuditKeysAnswer: {
            /** @description Verifier keys of the C2SP signed-note format, oldest first */
            keys: string[];
            /** @description Notes in which a key vouches for the next */
            successions: string[];
            /** @description Notes in which the log declares that entries which it had signed are lost; each begins another name */
            losses: string[];
        };
        InclusionProofAnswer: {
            index: number;
            size: number;
            /** @description Base64 */
            leafHash: string;
            /** @description RFC 9162, section 2.1.3; base64 */
            proof: string[];
            checkpoint: string;
        };
        ConsistencyProofAnswer: {
            first: number;
            second: number;
            /** @description RFC 9162, section 2.1.4; base64 */
            proof: string[];
        };
        ExportBody: {
            /**
             * Format: uuid
             * @description Everything of one case
             */
            requestId?: string;
            /** @description First entry of a range */
            from?: number;
            /** @description Last entry of the range; absent: the newest */
            to?: number;
            /** Format: date-time */
            fromUtc?: string;
            /** Format: date-time */
            toUtc?: string;
            /** @description Lists to hand over with the events that they are drawn from */
            lists?: ("requests" | "holds" | "booths" | "acts" | "policies" | "accesses" | "dashboard" | "decisions" | "erasures" | "exports")[];
            /** @description Checkpoints that the reader has: each gets its consistency proof */
            known?: string[];
            /** @description Who the tokens stand for */
            withOpenings?: boolean;
            /** @description Sealed certificate evidence */
            withEvidence?: boolean;
            /**
             * @description audit: the own audit of the office, also where none is stated. disclosure: for somebody else, with a reference
             * @enum {string}
             */
            purpose?: "audit" | "disclosure";
            /** @description The number of a request, an order or a file; needed with disclosure. No names, no sentences */
            reference?: string;
        };
        ErasureBody: {
            /**
             * Format: uuid
             * @description A closed request of the registrant
             */
            requestId: string;
            /** @enum {string} */
            rule: "consent_withdrawn" | "retention_limit" | "request_of_the_person";
            /** @description Where more is written about it: the number of a request, a ticket or a file. No names, no sentences */
            reference: string;
        };
        WhatIfBody: {
            holdMarginPoints?: number;
            cardMatchPointsMin?: number;
            referralPointsMin?: number;
            registeredMatchPointsMin?: number;
            holdInReferralBand?: boolean;
            holdOnRegisteredMismatch?: boolean;
        };
        WhatIfAnswer: {
            /** @description Signed statement: history, change, counts, digest of the report */
            note: string;
            /** @description Which cases flip, by booth and month; `later` and `countedAs` of each, and `officers`, say what officers decided of them (docs/audit.md) */
            report: {
                [key: string]: unknown;
            };
            successions: string[];
        };
        PastStateAnswer: {
            /** Format: uuid */
            requestId: string;
            /**
             * Format: date-time
             * @description The instant that was asked for
             */
            atUtc: string | null;
            /** @description The position that was asked for; both null: now */
            position: number | null;
            state: {
                [key: string]: unknown;
            };
        };
        MomentAnswer: {
            position?: number;
            /** Format: date-time */
            atUtc?: string;
        };
        ClippedMomentAnswer: {
            /** @enum {string} */
            bound: "from" | "to";
            asked: components["schemas"]["MomentAnswer"];
            /**
             * @description Before the first event nothing was known; after the latest one what is known now was taken
             * @enum {string}
             */
            why: "before_the_first_event" | "after_the_latest_event";
        };
        MemberDifferenceAnswer: {
            /** @description Members from the outside in, joined by dots */
            path: string;
            /** @description null where it was not there */
            before: string | number | boolean | null | Record<string, never> | unknown[];
            /** @description null where it is not there any more */
            after: string | number | boolean | null | Record<string, never> | unknown[];
        };
        DifferenceAnswer: {
            from: components["schemas"]["MomentAnswer"];
            to: components["schemas"]["MomentAnswer"];
            /** @description Bounds that lay outside of the log */
            clipped: components["schemas"]["ClippedMomentAnswer"][];
            differences: components["schemas"]["MemberDifferenceAnswer"][];
        };
        ExplanationAnswer: {
            /** Format: uuid */
            requestId: string;
            /** Format: date-time */
            atUtc: string | null;
            position: number | null;
            lines: {
                atUtc?: string;
                type?: string;
                text?: string;
            }[];
        };
        AuditListAnswer: {
            /** @enum {string} */
            list: "requests" | "holds" | "booths" | "acts" | "policies" | "accesses" | "dashboard" | "decisions" | "erasures" | "exports";
            /** @description The filter as it was asked */
            query: {
                [key: string]: unknown;
            };
            /** @description Signed note: list, query, moment, tree, count of all rows, digests of all rows and of this page (docs/audit.md) */
            certificate: string;
            /** @description Signed checkpoint of the tree that the certificate speaks about */
            checkpoint: string;
            /** @description Notes in which a key of the log vouches for the next */
            successions: string[];
            /** @description Who the tokens stand for, where it was asked: token to person and salt */
            openings: {
                [key: string]: unknown;
            };
            /** @description The cursor of the next page; null on the last */
            next: string | null;
            asOf: components["schemas"]["ListMoment"];
            page: components["schemas"]["ListPage"];
            /** @description Bounds that lay outside of what the log can tell of; there only where `from` or `to` was asked for */
            clipped?: components["schemas"]["ClippedBoundAnswer"][];
            rows: {
                [key: string]: unknown;
            }[];
        };
        ChangedRowAnswer: {
            key: string;
            differences: components["schemas"]["MemberDifferenceAnswer"][];
        };
        ListDifferenceAnswer: {
            from: components["schemas"]["MomentAnswer"];
            to: components["schemas"]["MomentAnswer"];
            /** @description Bounds that lay outside of the log */
            clipped: components["schemas"]["ClippedMomentAnswer"][];
            added: {
                [key: string]: unknown;
            }[];
            removed: {
                [key: string]: unknown;
            }[];
            changed: components["schemas"]["ChangedRowAnswer"][];
        };
        SignInAnswer: {
            /**
             * Format: uri
             * @description The OpenID Connect issuer whose access tokens are taken here
             */
            issuer: string;
            /** @description What such a token must name as its audience */
            audience: string;
        };
        MeAnswer: {
            /** @description `sub` at the sign-in service: what events call this person */
            subject: string;
            roles: ("officer" | "auditor" | "administrator" | "consumer")[];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    issueChallenge: {
        parameters: {
            query?: never;
            header?: {
                /** @description The booth's id as in the body */
                "Honnin-Booth-Id"?: string;
                /** @description The booth's clock; ten minutes from the server's at most */
                "Honnin-Requested-At"?: string;
                /** @description Base64 of the booth's Ed25519 signature over the text of a question for a challenge (docs/wire.md) */
                "Honnin-Booth-Signature"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChallengeBody"];
            };
        };
        responses: {
            /** @description The nonce and its expiry */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChallengeAnswer"];
                };
            };
            /** @description `malformed_request`: The request has not the agreed form; `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `booth_certificate_missing`: The booth shows no certificate; `booth_certificate_untrusted`: The booth's certificate does not count here; `booth_certificate_of_another`: The certificate is that of another booth */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getBoothSettings: {
        parameters: {
            query?: never;
            header?: {
                /** @description The booth's id as in the body */
                "Honnin-Booth-Id"?: string;
                /** @description The booth's clock; ten minutes from the server's at most */
                "Honnin-Requested-At"?: string;
                /** @description Base64 of the booth's Ed25519 signature over the text of a question for a challenge (docs/wire.md) */
                "Honnin-Booth-Signature"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the policy in force asks of booths */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BoothSettingsAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `booth_certificate_missing`: The booth shows no certificate; `booth_certificate_untrusted`: The booth's certificate does not count here; `booth_certificate_of_another`: The certificate is that of another booth */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkPhoto: {
        parameters: {
            query?: never;
            header?: {
                /** @description The booth's id as in the body; with Honnin-Challenge it takes a place for the upload. Without both the upload shares the few places of everybody */
                "Honnin-Booth-Id"?: string;
                /** @description The nonce as in the body */
                "Honnin-Challenge"?: string;
                /** @description Base64 of the booth's Ed25519 signature over the text of an upload place (docs/wire.md): takes one of the booths' own places, which no stranger can hold */
                "Honnin-Booth-Signature"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    request: components["schemas"]["PhotoCheckBody"];
                    /**
                     * Format: binary
                     * @description The photograph
                     */
                    photo: string;
                };
            };
        };
        responses: {
            /** @description What to tell the person */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PhotoCheckAnswerBody"];
                };
            };
            /** @description `malformed_request`: The request has not the agreed form; `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `booth_not_enrolled`: The booth is not enrolled; `booth_is_suspended`: The booth is suspended; `booth_signature_invalid`: The booth's signature does not fit; `booth_certificate_missing`: The booth shows no certificate; `booth_certificate_untrusted`: The booth's certificate does not count here; `booth_certificate_of_another`: The certificate is that of another booth */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `upload_too_slow`: The upload is too slow; `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large; `photo_too_large`: The photograph is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `photo_unsupported`: The photograph is not a plain JPEG; `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `photo_damaged`: The photograph is not complete; `my_number_present`: The request holds a My Number; `digest_mismatch`: A part differs from what was signed; `nonce_unknown`: The nonce is not one of ours; `nonce_expired`: The nonce has expired */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests; `uploads_under_way`: Uploads of yours are under way */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_uploads`: Too many uploads at the same time; `photo_check_busy`: Nobody can look at the photograph just now; `outcome_unknown`: It is not known whether this was carried out; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    receiveRegistration: {
        parameters: {
            query?: never;
            header: {
                /** @description The booth's id as in the body; with Honnin-Challenge it takes a place for the upload. Without both the upload shares the few places of everybody */
                "Honnin-Booth-Id"?: string;
                /** @description The nonce as in the body */
                "Honnin-Challenge"?: string;
                /** @description Base64 of the booth's Ed25519 signature over the text of an upload place (docs/wire.md): takes one of the booths' own places, which no stranger can hold */
                "Honnin-Booth-Signature"?: string;
                /** @description 1 to 128 visible ASCII characters. Same key and body: same answer */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    request: components["schemas"]["RegistrationRequestBody"];
                    /**
                     * Format: binary
                     * @description The card's certificate, DER
                     */
                    certificate: string;
                    /**
                     * Format: binary
                     * @description EF 0002 of the surface application
                     */
                    cardRecord: string;
                    /**
                     * Format: binary
                     * @description EF 0004, the 7F21 certificate
                     */
                    cardIssuerCertificate: string;
                    /**
                     * Format: binary
                     * @description The photograph
                     */
                    photo: string;
                    /**
                     * Format: binary
                     * @description Further frame 1 of the session, JPEG; optional, counted without gaps
                     */
                    frame0?: string;
                    /**
                     * Format: binary
                     * @description Further frame 2 of the session, JPEG; optional, counted without gaps
                     */
                    frame1?: string;
                    /**
                     * Format: binary
                     * @description Further frame 3 of the session, JPEG; optional, counted without gaps
                     */
                    frame2?: string;
                    /**
                     * Format: binary
                     * @description Further frame 4 of the session, JPEG; optional, counted without gaps
                     */
                    frame3?: string;
                };
            };
        };
        responses: {
            /** @description The request is stored and will be worked on, whatever fails from now on */
            202: {
                headers: {
                    /** @description Where its status is */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReceiptAnswer"];
                };
            };
            /** @description `malformed_request`: The request has not the agreed form; `idempotency_key_missing`: The header Idempotency-Key is missing; `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `booth_not_enrolled`: The booth is not enrolled; `booth_is_suspended`: The booth is suspended; `booth_signature_invalid`: The booth's signature does not fit; `booth_certificate_missing`: The booth shows no certificate; `booth_certificate_untrusted`: The booth's certificate does not count here; `booth_certificate_of_another`: The certificate is that of another booth */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `upload_too_slow`: The upload is too slow; `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `nonce_replayed`: The nonce was used before; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large; `photo_too_large`: The photograph is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `photo_unsupported`: The photograph is not a plain JPEG; `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `photo_damaged`: The photograph is not complete; `my_number_present`: The request holds a My Number; `digest_mismatch`: A part differs from what was signed; `nonce_unknown`: The nonce is not one of ours; `nonce_expired`: The nonce has expired; `captured_in_future`: The capture time is in the future; `captured_too_long_ago`: The photograph is too old; `consent_text_unknown`: The consent text is not in use; `consent_needed_for_registry`: Consent to keep the image is needed; `certificate_type_not_accepted`: This type of certificate is not accepted here */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests; `uploads_under_way`: Uploads of yours are under way */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_uploads`: Too many uploads at the same time; `outcome_unknown`: It is not known whether this was carried out; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getRegistrationStatus: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description As printed, XXXX-XXXX-XXXX-XXXX. What a person types for it is read as well: small letters, no dashes, O for 0, I and L for 1 */
                receipt: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The status */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatusAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `read_side_behind`: The answer is not up to date yet; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    proveReceipt: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description As printed, XXXX-XXXX-XXXX-XXXX. What a person types for it is read as well: small letters, no dashes, O for 0, I and L for 1 */
                receipt: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Promise, and proof or statement of absence */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReceiptProofAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `read_side_behind`: The answer is not up to date yet; `audit_log_unavailable`: There is no signed log to answer from; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    streamRegistrationStatus: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description As printed, XXXX-XXXX-XXXX-XXXX. What a person types for it is read as well: small letters, no dashes, O for 0, I and L for 1 */
                receipt: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream of the status object */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests; `streams_under_way`: This receipt or address has its event streams */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_streams`: Too many open event streams; `read_side_behind`: The answer is not up to date yet; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listHolds: {
        parameters: {
            query?: {
                limit?: number;
                /** @description `next` of the page before: the same list at the same moment goes on */
                cursor?: string;
                /** @description Only rows of this instant or later, in any offset; clipped to what the log tells of, and the answer says so */
                from?: string;
                /** @description Only rows of this instant or earlier, in any offset; clipped to what the log tells of, and the answer says so */
                to?: string;
                boothId?: string;
                include?: "resolved";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The holds */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HoldsAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHold: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                requestId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The hold */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HoldDetailAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    giveOpinion: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                requestId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OpinionBody"];
            };
        };
        responses: {
            /** @description The review as the officer may see it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReviewAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `hold_not_open`: The hold is not open for this; `opinion_already_given`: You have given your opinion on this hold; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number; `opinion_contradicts_reason`: Opinion and reason contradict each other */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `read_side_behind`: The answer is not up to date yet; `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    withdrawOpinion: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                requestId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The review as the officer may see it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReviewAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `hold_not_open`: The hold is not open for this; `opinion_not_given`: You have no opinion on this hold; `opinions_complete`: Both opinions are in; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resolveHold: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                requestId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResolutionBody"];
            };
        };
        responses: {
            /** @description The resolved review */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReviewAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `hold_not_open`: The hold is not open for this; `opinions_missing`: Opinions are missing; `outcome_differs_from_opinions`: The outcome is not what the opinions say; `third_officer_needed`: A third officer decides; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number; `opinion_contradicts_reason`: Opinion and reason contradict each other */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `read_side_behind`: The answer is not up to date yet; `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    streamNews: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Server-sent events `news` with `{"open": 3, "overdue": 0}`. Ends after ten minutes; EventSource returns */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `streams_under_way`: This receipt or address has its event streams; `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_streams`: Too many open event streams; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listCases: {
        parameters: {
            query?: {
                limit?: number;
                /** @description `next` of the page before: the same list at the same moment goes on */
                cursor?: string;
                /** @description Only rows of this instant or later, in any offset; clipped to what the log tells of, and the answer says so */
                from?: string;
                /** @description Only rows of this instant or earlier, in any offset; clipped to what the log tells of, and the answer says so */
                to?: string;
                stage?: "received" | "certificate_verified" | "confirmed" | "held" | "submitting" | "submitted" | "stopped" | "certificate_rejected" | "face_mismatched" | "face_not_comparable" | "hold_rejected" | "recapture" | "hold_expired" | "accepted" | "refused_by_government" | "kept" | "withdrawn" | "ended_by_operator";
                boothId?: string;
                /** @description Alone: the case of this receipt */
                receipt?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The cases, or the case */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CasesAnswer"] | components["schemas"]["CaseAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `read_side_behind`: The answer is not up to date yet; `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    replayCase: {
        parameters: {
            query?: {
                /** @description An instant in any offset, inclusive; not in the future and not before the first event */
                at?: string;
                /** @description A position in the log, inclusive, instead of `at` */
                position?: number;
            };
            header?: never;
            path: {
                requestId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events in log order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form; `moment_out_of_range`: The log cannot tell of that moment */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here; `nothing_known_then`: Nothing was known of it at that moment */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `read_side_behind`: The answer is not up to date yet; `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    viewImage: {
        parameters: {
            query: {
                /** @description The face of a card is JPEG 2000, which no browser shows: displayable (default) gives it as PNG, original as it came from the card */
                format?: "displayable" | "original";
                /** @description The number of a request, an order or a file; needed with disclosure. No names, no sentences */
                reference?: string;
                /** @description hold_review: the case has an open hold on which you still have a say. disclosure: for the person, or for who may ask about them; with a reference. audit: the own audit of the office */
                purpose: "hold_review" | "audit" | "disclosure";
            };
            header?: never;
            path: {
                requestId: string;
                image: "photo" | "card_face" | "registered_face";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/jpeg": string;
                    "image/png": string;
                    "image/jp2": string;
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `purpose_does_not_fit`: The case is none for this purpose; `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `material_differs`: What is kept is not what was received */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `image_erased`: The picture was erased; `material_missing`: What was received is gone */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `picture_busy`: The picture cannot be made ready just now; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resumeEffect: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                requestId: string;
                effectId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It will be tried again */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `wrong_stage`: The case is at another stage; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    endRequest: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                requestId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EndBody"];
            };
        };
        responses: {
            /** @description It is ended, or was so before for the same reason and reference */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `wrong_stage`: The case is at another stage; `case_can_go_on`: Nothing stops this case; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listBooths: {
        parameters: {
            query?: {
                limit?: number;
                /** @description `next` of the page before: the same list at the same moment goes on */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The booths */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BoothsAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    proposeBooth: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EnrolmentBody"];
            };
        };
        responses: {
            /** @description The proposal */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `booth_exists`: The booth id is taken; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    proposeBoothKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                boothId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyBody"];
            };
        };
        responses: {
            /** @description The proposal */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `booth_unknown`: There is no such booth */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `booth_retired`: The booth is retired; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    proposeResumption: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                boothId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResumptionBody"];
            };
        };
        responses: {
            /** @description The proposal */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `booth_unknown`: There is no such booth */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `booth_retired`: The booth is retired; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    suspendBooth: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                boothId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SuspensionBody"];
            };
        };
        responses: {
            /** @description The booth */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BoothAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `booth_unknown`: There is no such booth */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listActs: {
        parameters: {
            query?: {
                limit?: number;
                /** @description `next` of the page before: the same list at the same moment goes on */
                cursor?: string;
                /** @description Only rows of this instant or later, in any offset; clipped to what the log tells of, and the answer says so */
                from?: string;
                /** @description Only rows of this instant or earlier, in any offset; clipped to what the log tells of, and the answer says so */
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The proposals */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActsAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    approveAct: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                actId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The proposal; `carried_out` where there is no waiting time */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `act_own_proposal`: Nobody approves an own proposal; `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `act_unknown`: There is no such proposal */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `act_closed`: It is decided already; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    declineAct: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                actId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The proposal */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `act_unknown`: There is no such proposal */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `act_closed`: It is decided already; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listConsumers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The consumers of this server */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsumersAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resumeConsumer: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                consumer: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It tries again */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `consumer_unknown`: There is no such consumer */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `consumer_not_stopped`: The consumer does not stand still; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    replayParked: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                consumer: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReplayBody"];
            };
        };
        responses: {
            /** @description All of it was handled */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReplayAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `consumer_unknown`: There is no such consumer */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `event_not_waiting`: The consumer does not wait at this event; `replay_failed`: It still cannot be handled; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    proposeSkip: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                consumer: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SkipBody"];
            };
        };
        responses: {
            /** @description The proposal */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `consumer_unknown`: There is no such consumer */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `event_not_waiting`: The consumer does not wait at this event; `event_not_skippable`: This consumer skips nothing; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listLockouts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who is locked out */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LockoutsAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    lockOut: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LockoutBody"];
            };
        };
        responses: {
            /** @description The lock-out; that of before, where there was one */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LockoutAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    proposeReadmission: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReadmissionBody"];
            };
        };
        responses: {
            /** @description The proposal */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `person_not_locked_out`: This person is not locked out; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listWaitingCases: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What waits for an administrator */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WaitingCasesAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `read_side_behind`: The answer is not up to date yet; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPolicies: {
        parameters: {
            query?: {
                limit?: number;
                /** @description `next` of the page before: the same list at the same moment goes on */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policies: `versions` with names, and the same as `rows` of the log with their certificate */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CertifiedPoliciesAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    proposePolicy: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProposalBody"];
            };
        };
        responses: {
            /** @description The policies with the new version */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PoliciesAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `policy_version_unknown`: There is no such policy version */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number; `policy_invalid`: The policy makes no sense; `policy_report_invalid`: The attached report does not fit the proposal */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    compareWithShippedDefault: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Whether the policy in force is older, and what to propose then */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShippedDefaultAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    approvePolicy: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policies */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PoliciesAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `policy_own_proposal`: Nobody approves an own proposal; `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `policy_version_unknown`: There is no such policy version */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    activatePolicy: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key, person and body: carried out once */
                "Idempotency-Key"?: string;
            };
            path: {
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policies */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PoliciesAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `policy_version_unknown`: There is no such policy version */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `policy_not_approved`: The policy is not approved; `policy_outdated`: Another policy came into force since; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auditCheckpoint: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The note */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auditCosigned: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The note */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auditKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The keys */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditKeysAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    proveInclusion: {
        parameters: {
            query: {
                index: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The proof */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InclusionProofAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    proveConsistency: {
        parameters: {
            query: {
                second?: number;
                first: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The proof */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsistencyProofAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    exportBundle: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExportBody"];
            };
        };
        responses: {
            /** @description The bundle, one line per entry */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description `invalid_request`: The request has not the agreed form; `lists_of_a_case`: Lists do not go with the bundle of one case */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `checkpoint_unknown`: This log never gave out the known checkpoint; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number; `reference_missing`: A disclosure names the file that it belongs to */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    proposeErasure: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ErasureBody"];
            };
        };
        responses: {
            /** @description Proposed. Once approved and on record it is carried out as soon as the record is in the signed log */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `wrong_stage`: The case is at another stage; `idempotency_key_reused`: The idempotency key belongs to another request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `registrant_erased`: The person has been erased */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `outcome_unknown`: It is not known whether this was carried out; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    whatIf: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WhatIfBody"];
            };
        };
        responses: {
            /** @description The report with its signed statement, which can be attached to a proposal */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WhatIfAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_timeout`: The request did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request_too_large`: The request is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not served here */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `my_number_present`: The request holds a My Number */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    caseStateAt: {
        parameters: {
            query?: {
                /** @description An instant in any offset, inclusive; not in the future and not before the first event */
                at?: string;
                /** @description A position in the log, inclusive, instead of `at` */
                position?: number;
            };
            header?: never;
            path: {
                requestId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PastStateAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form; `moment_out_of_range`: The log cannot tell of that moment */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here; `nothing_known_then`: Nothing was known of it at that moment */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `read_side_behind`: The answer is not up to date yet; `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    caseDifference: {
        parameters: {
            query: {
                /** @description An instant in any offset, or a position in the log, inclusive; one outside of the log is clipped, and the answer says so */
                to: string;
                /** @description An instant in any offset, or a position in the log, inclusive; one outside of the log is clipped, and the answer says so */
                from: string;
            };
            header?: never;
            path: {
                requestId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Each member that differs, with both values */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DifferenceAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form; `moment_out_of_range`: The log cannot tell of that moment */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here; `nothing_known_then`: Nothing was known of it at that moment */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `read_side_behind`: The answer is not up to date yet; `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    explainCase: {
        parameters: {
            query?: {
                lang?: "ja" | "en";
                /** @description An instant in any offset, inclusive; not in the future and not before the first event */
                at?: string;
                /** @description A position in the log, inclusive, instead of `at` */
                position?: number;
            };
            header?: never;
            path: {
                requestId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The story */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExplanationAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form; `moment_out_of_range`: The log cannot tell of that moment */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here; `nothing_known_then`: Nothing was known of it at that moment */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `read_side_behind`: The answer is not up to date yet; `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auditList: {
        parameters: {
            query?: {
                limit?: number;
                /** @description `next` of the page before: the same list at the same moment goes on */
                cursor?: string;
                /** @description Who the tokens stand for */
                withNames?: boolean;
                /** @description requests, holds, decisions */
                boothId?: string;
                /** @description requests */
                stage?: string;
                /** @description holds: the resolved ones too */
                include?: "resolved";
                /** @description accesses, decisions, erasures, exports */
                requestId?: string;
                /** @description requests, holds, acts, accesses, decisions, erasures, exports. Only rows of this instant or later, in any offset; clipped to what the log tells of, and the answer says so */
                from?: string;
                /** @description requests, holds, acts, accesses, decisions, erasures, exports. Only rows of this instant or earlier, in any offset; clipped to what the log tells of, and the answer says so */
                to?: string;
                /** @description An instant in any offset, inclusive; not in the future and not before the first event */
                at?: string;
                /** @description A position in the log, inclusive, instead of `at` */
                position?: number;
            };
            header?: never;
            path: {
                list: "requests" | "holds" | "booths" | "acts" | "policies" | "accesses" | "dashboard" | "decisions" | "erasures" | "exports";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the list */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditListAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form; `moment_out_of_range`: The log cannot tell of that moment */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auditListDifference: {
        parameters: {
            query: {
                /** @description An instant in any offset, or a position in the log, inclusive; one outside of the log is clipped, and the answer says so */
                to: string;
                /** @description An instant in any offset, or a position in the log, inclusive; one outside of the log is clipped, and the answer says so */
                from: string;
                /** @description requests, holds, decisions */
                boothId?: string;
                /** @description requests */
                stage?: string;
                /** @description holds: the resolved ones too */
                include?: "resolved";
                /** @description accesses, decisions, erasures, exports */
                requestId?: string;
            };
            header?: never;
            path: {
                list: "requests" | "holds" | "booths" | "acts" | "policies" | "accesses" | "dashboard" | "decisions" | "erasures" | "exports";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The differences */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListDifferenceAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form; `moment_out_of_range`: The log cannot tell of that moment */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `audit_log_unavailable`: There is no signed log to answer from; `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getSignIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sign-in service */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `sign_in_not_configured`: Sign-in is not set up; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ok";
                    };
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can; degraded: it can, and something needs a person: `troubles` names the parts that are not ok */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ok" | "degraded";
                        troubles: string[];
                        parts?: {
                            [key: string]: {
                                ok: boolean;
                                detail: string;
                            };
                        };
                    };
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_ready`: The server is not ready; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The measurements */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    explainProblem: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The explanation */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        status: number;
                        title: string;
                        en: string;
                        ja: string;
                    };
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not_found`: There is no such thing here */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    whoAmI: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The person */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MeAnswer"];
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Nobody is signed in */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `forbidden`: Your role does not allow this; `roles_incompatible`: Your account has roles that exclude each other; `locked_out`: You are locked out */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `sign_in_not_configured`: Sign-in is not set up; `sign_in_unavailable`: The sign-in service does not answer; `access_log_unavailable`: The access could not be put on record; `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    offlineVerifier: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description `invalid_request`: The request has not the agreed form */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `uri_too_long`: The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_requests`: Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `headers_too_large`: The header fields are too large */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `internal_error`: Something went wrong here */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `shutting_down`: The server is shutting down; `outcome_unknown`: It is not known whether this was carried out; `not_accepting`: Nothing is accepted now */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
