import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { ClientList, type ListMember } from "../../src/clients/client_list.ts";
import { Random } from "../random.ts";

interface Member extends ListMember {
  readonly name: number;
}

function listOf(count: number): { list: ClientList<Member>; all: Member[] } {
  const list = new ClientList<Member>();
  const all = Array.from({ length: count }, (_, name) => memberOf(name));
  for (const member of all) list.add(member);
  return { list, all };
}

function memberOf(name: number): Member {
  return { name, listIndex: -1 };
}

describe("ClientList", () => {
  it("a walk visits each member once while none joins or leaves", () => {
    const { list, all } = listOf(10);
    for (let walk = 0; walk < 5; walk++) {
      list.startWalk();
      const visited: number[] = [];
      while (list.hasNext) visited.push(list.nextOfWalk()!.name);
      assert.equal(list.nextOfWalk(), null);
      assert.deepEqual(visited.sort((a, b) => a - b), all.map((m) => m.name));
      list.endWalk();
    }
  });

  it("a walk visits a member that joins, and one that was moved to a visited index", () => {
    const { list, all } = listOf(3);
    list.startWalk();
    const first = list.nextOfWalk()!;
    list.remove(first);
    const late = memberOf(3);
    list.add(late);
    const visited = new Set<Member>();
    while (list.hasNext) visited.add(list.nextOfWalk()!);
    for (const member of [...all, late]) {
      assert.equal(visited.has(member), member !== first, `${member.name}`);
    }
  });

  it("a walk has no next member in an empty list, and none after its end", () => {
    const { list } = listOf(2);
    list.startWalk();
    list.endWalk();
    assert.equal(list.nextOfWalk(), null);
    const { list: empty } = listOf(0);
    empty.startWalk();
    assert.equal(empty.hasNext, false);
    assert.equal(empty.nextOfWalk(), null);
  });

  it("whatever joins and leaves during a walk, all that stay are visited and the indexes are right", () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = new Random(seed);
      const { list, all } = listOf(random.below(12));
      const stay = new Set(all);
      const visited = new Set<Member>();
      list.startWalk();
      while (list.hasNext) {
        visited.add(list.nextOfWalk()!);
        if (random.once(3) && stay.size > 0) {
          const member = random.of([...stay]);
          stay.delete(member);
          list.remove(member);
        }
        if (random.once(8)) {
          const member = memberOf(100);
          stay.add(member);
          list.add(member);
        }
      }
      for (const member of stay) assert.ok(visited.has(member), `${seed}`);
      assert.equal(list.size, stay.size);
      [...list].forEach(({ listIndex }, i) => assert.equal(listIndex, i));
    }
  });
});
