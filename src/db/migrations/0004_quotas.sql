CREATE TABLE "limiter_balance" (
	"limiter" text NOT NULL,
	"subject" text NOT NULL,
	"owner_id" text NOT NULL,
	"available" bigint NOT NULL,
	"reserved" bigint DEFAULT 0 NOT NULL,
	"overrun" bigint DEFAULT 0 NOT NULL,
	"anchor" timestamp (3) with time zone NOT NULL,
	"period_start" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "limiter_balance_limiter_subject_owner_id_pk" PRIMARY KEY("limiter","subject","owner_id"),
	CONSTRAINT "limiter_balance_available" CHECK ("limiter_balance"."available" >= 0),
	CONSTRAINT "limiter_balance_reserved" CHECK ("limiter_balance"."reserved" >= 0),
	CONSTRAINT "limiter_balance_overrun" CHECK ("limiter_balance"."overrun" >= 0),
	CONSTRAINT "limiter_balance_owner" CHECK (("limiter_balance"."subject" = 'CLUSTER') = ("limiter_balance"."owner_id" = ''))
);
--> statement-breakpoint
CREATE TABLE "quota_ledger" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "quota_ledger_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"limiter" text NOT NULL,
	"subject" text NOT NULL,
	"owner_id" text NOT NULL,
	"kind" text NOT NULL,
	"amount" bigint NOT NULL,
	"change" bigint NOT NULL,
	"period_start" timestamp (3) with time zone,
	"turn_id" uuid,
	"actor_id" text,
	CONSTRAINT "quota_ledger_turn" CHECK (("quota_ledger"."kind" IN ('REFILL', 'ADJUST')) = ("quota_ledger"."turn_id" IS NULL))
);
--> statement-breakpoint
ALTER TABLE "turn" ADD COLUMN "input_estimate" bigint;--> statement-breakpoint
CREATE UNIQUE INDEX "quota_ledger_reserved_once" ON "quota_ledger" USING btree ("turn_id","limiter","subject") WHERE "quota_ledger"."kind" = 'RESERVE';--> statement-breakpoint
CREATE UNIQUE INDEX "quota_ledger_settled_once" ON "quota_ledger" USING btree ("turn_id","limiter","subject") WHERE "quota_ledger"."kind" IN ('SETTLE', 'RELEASE');--> statement-breakpoint
CREATE UNIQUE INDEX "quota_ledger_refilled_once" ON "quota_ledger" USING btree ("limiter","subject","owner_id","period_start") WHERE "quota_ledger"."kind" = 'REFILL';--> statement-breakpoint
CREATE INDEX "quota_ledger_by_balance" ON "quota_ledger" USING btree ("limiter","subject","owner_id","id");