ALTER TABLE "turn" ADD COLUMN "events_kept" boolean DEFAULT true NOT NULL;--> statement-breakpoint
CREATE INDEX "turn_retention" ON "turn" USING btree ("completed_at") WHERE "turn"."events_kept";