import { Transform } from "node:stream";
import type { Bandwidth } from "../core/bandwidth.ts";
import type { Profile } from "../core/profile.ts";

/** What watches over the bytes that are sent through us. */
export interface Pacing {
  bandwidth?: Bandwidth | undefined;
  profile?: Profile | undefined;
}

/**
 * What stands between who sends and who receives: lets bytes through as fast as the limit of now
 * allows, and tells what held them up. Nothing where nobody watches.
 */
export function paced({ bandwidth, profile }: Pacing = {}): Transform[] {
  if (bandwidth === undefined && profile === undefined) return [];
  return [makePace({ bandwidth, profile })];
}

function makePace({ bandwidth, profile }: Pacing): Transform {
  const left = new AbortController();
  const meter = profile && makeMeter(profile);
  async function wait(bandwidthNow: Bandwidth, piece: Buffer) {
    const taken = bandwidthNow.take(piece.length, left.signal);
    await (profile?.waiting("bandwidthLimit", taken) ?? taken);
  }
  return new Transform({
    transform(piece: Buffer, _, done) {
      meter?.came();
      const go = () => {
        done(null, piece);
        meter?.went(this);
      };
      if (bandwidth?.limit === undefined) go();
      else void wait(bandwidth, piece).then(go);
    },
    flush(done) {
      meter?.over();
      done();
    },
    destroy(error, done) {
      left.abort();
      meter?.over();
      done(error);
    },
  });
}

/** Between two pieces it waits for the one who takes them, where that one lets them pile up. */
function makeMeter(profile: Profile) {
  let waits: "network" | "program" | undefined;
  let held = 0;
  function came() {
    if (waits !== undefined) profile.waits(waits, -1);
    waits = undefined;
  }
  function hold(bytes: number) {
    profile.depth("bytesInLink", bytes - held);
    held = bytes;
  }
  function begin(what: "network" | "program") {
    waits = what;
    profile.waits(what, 1);
  }
  return {
    came,
    went({ readableLength, readableHighWaterMark, writableLength }: Transform) {
      hold(readableLength + writableLength);
      begin(readableLength >= readableHighWaterMark ? "network" : "program");
    },
    over() {
      came();
      hold(0);
    },
  };
}
