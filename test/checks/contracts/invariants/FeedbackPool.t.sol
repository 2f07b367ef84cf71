// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {FeedbackPool} from "../src/FeedbackPool.sol";
import {FeedbackTasks} from "../src/feedback/FeedbackTasks.sol";
import {Subject} from "../src/interfaces.sol";
import {ModelStore} from "../src/models/ModelStore.sol";
import {DisputesHandler} from "./DisputesHandler.sol";
import {Handler} from "./Handler.sol";
import {Suite} from "./Suite.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

contract FeedbackPoolHandler is DisputesHandler {
    struct Fines {
        uint256 stakeBefore;
        uint256 taken;
        /// In the present call.
        uint256 inCall;
    }

    /// What somebody committed to: the judgement and salt that `_reveal` derives from `secret`.
    struct Commitment {
        uint256 secret;
        bool copied;
        bool revealed;
    }

    enum Phase {
        Commits,
        Reveals,
        Over,
        Settled
    }

    uint8 private constant SEATS = 3;

    FeedbackPool private immutable pool;
    uint256 private immutable modelId;
    uint256 private immutable versionId;

    /// @notice What each validator should own: gOPEN, stake and rewards together.
    mapping(address validator => uint256) public worth;
    mapping(address validator => uint256) public unsettledOf;
    mapping(address validator => uint256) private lastReveal;
    mapping(uint256 taskId => address[]) private committers;
    mapping(uint256 taskId => mapping(address validator => Commitment)) private commitments;
    mapping(uint256 taskId => bool) private settledTasks;
    mapping(uint256 roundId => bytes32) private secrets;
    mapping(uint256 roundId => mapping(address validator => uint256)) private stakedBefore;
    mapping(uint256 roundId => mapping(address validator => Fines)) private fines;

    constructor(World world_, uint256 modelId_, uint256 versionId_) Handler(world_, 4, 2_000) DisputesHandler(world_) {
        pool = world_.feedback();
        (modelId, versionId) = (modelId_, versionId_);
        world_.enrich(world_.operator(), 1_000_000 ether);
        for (uint256 i; i < people.length; ++i) {
            worth[people[i]] = START;
            vm.prank(people[i]);
            pool.stake(START / 4);
        }
    }

    // ---------------------------------------------------------------- validators

    function stake(uint256 who, uint256 amount) external {
        address person = _person(who);
        amount = _between(amount, token.balanceOf(person));
        vm.prank(person);
        pool.stake(amount);
    }

    function unstake(uint256 who, uint256 amount) external {
        address person = _person(who);
        amount = _between(amount, pool.stakeOf(person) / (_mix(amount, 1) % 8 == 0 ? 1 : 8));
        vm.prank(person);
        pool.unstake(amount);
        _expect(
            unsettledOf[person] == 0 || block.timestamp > lastReveal[person] + 30 days,
            "stake left while judgements wait for settlement"
        );
        for (uint256 id = 1; id <= pool.taskCount(); ++id) {
            _expect(!_isHeld(Subject.Judgement, _judgement(id, person)), "stake left while a judgement is disputed");
        }
    }

    /// @notice Commits to two of the newest tasks, sometimes to the same judgement as another validator.
    function commit(uint256 who, uint256 which, uint256 secret, uint256 whom) external {
        address person = _person(who);
        bool copies = _mix(secret, 1) % 8 == 0 && _person(whom) != person;
        uint256[] memory ids = new uint256[](_mix(which, 2) % 4 == 0 ? 2 : 1);
        bytes32[] memory hashes = new bytes32[](ids.length);
        for (uint256 i; i < ids.length; ++i) {
            ids[i] = _taskIn(Phase.Commits, which % 6 + i);
            uint256 own = _secret(ids[i], secret, copies, whom);
            hashes[i] = _hash(_reveal(ids[i], own), copies ? _person(whom) : person);
        }
        vm.prank(person);
        pool.commit(ids, hashes);
        for (uint256 i; i < ids.length; ++i) {
            (uint64 commitDeadline, uint64 revealDeadline) = _deadlines(ids[i]);
            _expect(block.timestamp <= commitDeadline, "a commitment after the deadline");
            _expect(_hasSeat(ids[i], person), "a seat of a stake that came after the opening, or without luck");
            _expect(commitments[ids[i]][person].secret == 0, "two commitments to one task");
            commitments[ids[i]][person] = Commitment(_secret(ids[i], secret, copies, whom), copies, false);
            committers[ids[i]].push(person);
            unsettledOf[person]++;
            if (revealDeadline > lastReveal[person]) lastReveal[person] = revealDeadline;
        }
    }

    function reveal(uint256 who, uint256 which) external {
        uint256 id = _taskIn(Phase.Reveals, which);
        address[] storage committed = committers[id];
        address person = committed.length == 0 ? _person(who) : committed[who % committed.length];
        Commitment storage c = commitments[id][person];
        FeedbackTasks.Reveal[] memory reveals = new FeedbackTasks.Reveal[](1);
        reveals[0] = _reveal(id, c.secret);
        vm.prank(person);
        pool.reveal(reveals);
        (uint64 commitDeadline, uint64 revealDeadline) = _deadlines(id);
        _expect(block.timestamp > commitDeadline && block.timestamp <= revealDeadline, "a reveal out of its time");
        _expect(c.secret != 0 && !c.copied && !c.revealed, "a judgement was revealed that was not its validator's own");
        c.revealed = true;
    }

    function withdrawRewards(uint256 who) external {
        for (uint256 tries; tries < 3 && pool.rewards(_person(who)) == 0; ++tries) who = who % 4 + 1;
        vm.prank(_person(who));
        pool.withdrawRewards();
    }

    function donate(uint256 who) external {
        address person = _person(who);
        uint256 before = donated;
        _donate(address(pool), who);
        worth[person] -= donated - before;
    }

    // ---------------------------------------------------------------- the settler

    function openRound(uint256 count, uint256 pot, uint256 commitTime, uint256 revealTime) external {
        // A task to which few have committed is not yet followed by the next.
        uint256 newest = pool.taskCount();
        if (newest != 0 && _phaseOf(newest) == Phase.Commits && committers[newest].length < 2) return;
        FeedbackTasks.TaskInput[] memory inputs = new FeedbackTasks.TaskInput[](count % 2 + 1);
        for (uint256 i; i < inputs.length; ++i) {
            inputs[i] = FeedbackTasks.TaskInput(versionId, "ethics", keccak256("item"), _between(_mix(pot, i), 50 ether));
        }
        uint64 commitDeadline = uint64(block.timestamp + 1 + commitTime % 8_000);
        uint64 revealDeadline = uint64(commitDeadline + 1 + revealTime % 8_000);
        bytes32 gold = pot % 3 == 0 ? bytes32(0) : keccak256(abi.encode(bytes32(pot)));
        vm.prank(world.operator());
        pool.openRound(modelId, inputs, commitDeadline, revealDeadline, SEATS, gold);
        uint256 roundId = pool.roundCount();
        secrets[roundId] = bytes32(pot);
        for (uint256 i; i < people.length; ++i) stakedBefore[roundId][people[i]] = pool.stakeAt(people[i], block.number - 1);
        vm.roll(block.number + 2);
    }

    function openGold(uint256 which) external {
        uint256 roundId = _roundOf(_taskIn(Phase.Over, which));
        pool.openGold(roundId, which % 8 == 0 ? bytes32(which) : secrets[roundId]);
        FeedbackTasks.Round memory round = pool.getRound(roundId);
        bytes32 hash = keccak256(abi.encode(secrets[roundId]));
        _expect(round.goldOpened && round.goldCommitment == hash, "gold was opened with another secret");
        _expect(block.timestamp > round.revealDeadline, "gold was opened before its round closed");
    }

    /// @notice Settles two tasks with random rewards and fines.
    function settle(uint256 which, uint256 seed, uint256 severity) external {
        uint256[] memory ids = _idsOver(which);
        uint256 roundId = _roundOf(ids[0]);
        _openGold(roundId);
        FeedbackPool.Settlement[] memory all = _settlements(ids, seed, severity);
        uint256[] memory stakes = new uint256[](all.length);
        for (uint256 i; i < all.length; ++i) stakes[i] = pool.stakeOf(all[i].validator);
        uint256 treasuryBefore = token.balanceOf(address(world.treasury()));
        uint256 fundsBefore = _funds();
        vm.prank(world.operator());
        pool.settle(roundId, ids, all, bytes32(seed % 8 + 1));

        uint256 fined;
        for (uint256 i; i < all.length; ++i) {
            FeedbackPool.Settlement memory s = all[i];
            _expect(s.reward == 0 || commitments[s.taskId][s.validator].revealed, "an unrevealed judgement was paid");
            uint256 taken = s.penalty == 0 ? 0 : _fineOf(roundId, s.validator, s.penalty, stakes[i] - fines[roundId][s.validator].inCall);
            worth[s.validator] = worth[s.validator] + s.reward - taken;
            unsettledOf[s.validator]--;
            fined += taken;
        }
        for (uint256 i; i < all.length; ++i) {
            address validator = all[i].validator;
            _expect(pool.stakeOf(validator) == stakes[i] - fines[roundId][validator].inCall, "a fine took another amount of the stake");
        }
        for (uint256 i; i < all.length; ++i) fines[roundId][all[i].validator].inCall = 0;
        uint256 returned;
        for (uint256 i; i < ids.length; ++i) returned += _checkSettled(ids[i]);
        _expect(token.balanceOf(address(world.treasury())) == treasuryBefore + fined, "fines are not the treasury's");
        _expect(_funds() == fundsBefore + returned, "what a pot did not pay is not the mandate's");
    }

    /// @notice Settles as nobody may.
    function settleWrongly(uint256 which, uint256 seed, uint256 how) external {
        how %= 7;
        uint256[] memory ids = new uint256[](1);
        ids[0] = _taskIn(how == 6 ? Phase.Settled : Phase.Over, which);
        if (how == 6 && _phaseOf(ids[0]) != Phase.Settled) return;
        FeedbackPool.Settlement[] memory all = _settlements(ids, seed, 1);
        if (how == 6) all = _resized(all, 0);
        else if (how > 0 && all.length == 0) return;
        (uint96 pot,,,,,,) = pool.tasks(ids[0]);
        uint256 roundId = _roundOf(ids[0]);
        if (how != 5) _openGold(roundId);
        address settler = how == 0 ? _person(which) : world.operator();
        if (how == 1) all = _resized(all, all.length - 1);
        if (how == 2) {
            all = _resized(all, all.length + 1);
            all[all.length - 1] = all[0];
        }
        if (how == 3) {
            uint256 paid;
            while (paid < all.length && !commitments[ids[0]][all[paid].validator].revealed) ++paid;
            if (paid == all.length) return;
            all[paid].reward = uint256(pot) + 1;
        }
        if (how == 4) {
            if (pot == 0 || commitments[ids[0]][all[0].validator].revealed) return;
            all[0].reward = 1;
        }
        if (how == 5) {
            FeedbackTasks.Round memory round = pool.getRound(roundId);
            bool free = round.goldCommitment == 0 || round.goldOpened;
            if (free || block.timestamp > uint256(round.revealDeadline) + 30 days) return;
        }
        vm.prank(settler);
        try pool.settle(roundId, ids, all, bytes32(seed % 8 + 1)) {
            _expect(false, "a wrong settlement was accepted");
        } catch {}
        vm.prank(_person(which));
        try pool.slash(ids[0], _person(seed), 1 ether, keccak256("evidence")) {
            _expect(false, "a stranger slashed a validator");
        } catch {}
    }

    // ---------------------------------------------------------------- disputes

    function _subject(uint256 seed) internal view override returns (Subject, uint256) {
        uint256 id = _task(seed);
        for (uint256 tries; tries < 6; ++tries) {
            address[] storage committed = committers[_task(seed % 6 + tries)];
            for (uint256 i; i < committed.length; ++i) {
                address validator = committed[(seed % 4 + i) % committed.length];
                id = _task(seed % 6 + tries);
                if (commitments[id][validator].revealed) return (Subject.Judgement, _judgement(id, validator));
            }
        }
        return (Subject.Judgement, _judgement(id, _person(seed)));
    }

    function _stakeOf(Subject, uint256 subjectId) internal view override returns (uint256) {
        return pool.stakeOf(address(uint160(subjectId)));
    }

    function _slashed(Subject, uint256 subjectId, uint256 amount) internal override {
        worth[address(uint160(subjectId))] -= amount;
    }

    // ---------------------------------------------------------------- helpers

    /// @dev One of the six newest tasks.
    function _task(uint256 seed) private view returns (uint256) {
        uint256 count = pool.taskCount();
        return count - seed % (count < 6 ? count : 6);
    }

    /// @dev One of the newest tasks that is in the phase and has commitments, if there is one.
    function _taskIn(Phase phase, uint256 seed) private view returns (uint256 found) {
        found = _task(seed);
        for (uint256 tries; tries < 6; ++tries) {
            uint256 id = _task(seed % 6 + tries);
            if (_phaseOf(id) != phase) continue;
            found = id;
            if (phase == Phase.Commits || committers[id].length != 0) return id;
        }
    }

    function _phaseOf(uint256 id) private view returns (Phase) {
        (,,,,,, bool settled) = pool.tasks(id);
        (uint64 commitDeadline, uint64 revealDeadline) = _deadlines(id);
        if (settled) return Phase.Settled;
        if (block.timestamp <= commitDeadline) return Phase.Commits;
        return block.timestamp <= revealDeadline ? Phase.Reveals : Phase.Over;
    }

    function _roundOf(uint256 id) private view returns (uint256 roundId) {
        (,, roundId,,,,) = pool.tasks(id);
    }

    /// @dev Whether the draw gave a seat to the stake that was there before the opening and is there still, at the stage of the task.
    function _hasSeat(uint256 id, address person) private view returns (bool) {
        (,, uint256 roundId,,, uint8 stage,) = pool.tasks(id);
        FeedbackTasks.Round memory round = pool.getRound(roundId);
        uint256 before = stakedBefore[roundId][person];
        uint256 present = pool.stakeOf(person);
        uint256 chance = uint256(SEATS) * 2 ** stage * (before < present ? before : present);
        bytes32 luck = keccak256(abi.encode(round.seed, id, person));
        if (chance == 0 || chance >= round.totalStake) return chance != 0;
        return uint256(luck) / chance < type(uint256).max / round.totalStake;
    }

    function _deadlines(uint256 id) private view returns (uint64, uint64) {
        FeedbackTasks.Round memory round = pool.getRound(_roundOf(id));
        return (round.commitDeadline, round.revealDeadline);
    }

    /// @dev One task whose reveals are over, or two of one round.
    function _idsOver(uint256 which) private view returns (uint256[] memory ids) {
        uint256 id = _taskIn(Phase.Over, which % 6);
        bool two = which % 2 == 1 && id < pool.taskCount() && _roundOf(id + 1) == _roundOf(id) && _phaseOf(id + 1) == Phase.Over;
        ids = new uint256[](two ? 2 : 1);
        ids[0] = id;
        if (two) ids[1] = id + 1;
    }

    /// @dev Opens the gold of a round if it can be opened.
    function _openGold(uint256 roundId) private {
        FeedbackTasks.Round memory round = pool.getRound(roundId);
        bool closed = round.goldCommitment != 0 && !round.goldOpened;
        if (closed && block.timestamp > round.revealDeadline) pool.openGold(roundId, secrets[roundId]);
    }

    /// @dev What a commitment hides: never 0.
    function _secret(uint256 id, uint256 secret, bool copies, uint256 whom) private view returns (uint256) {
        uint256 own = copies ? commitments[id][_person(whom)].secret : secret;
        return own == 0 ? 1 : own;
    }

    function _settlements(uint256[] memory ids, uint256 seed, uint256 severity)
        private
        view
        returns (FeedbackPool.Settlement[] memory all)
    {
        uint256 count;
        for (uint256 i; i < ids.length; ++i) count += committers[ids[i]].length;
        all = new FeedbackPool.Settlement[](count);
        uint256 next;
        for (uint256 i; i < ids.length; ++i) {
            address[] storage who = committers[ids[i]];
            (uint96 pot,,,,,,) = pool.tasks(ids[i]);
            for (uint256 j; j < who.length; ++j) {
                uint256 luck = _mix(seed, next);
                uint256 reward = commitments[ids[i]][who[j]].revealed ? _between(luck, pot / who.length) : 0;
                uint256 stakeNow = pool.stakeOf(who[j]);
                uint256 penalty = severity % 4 == 0 ? stakeNow / 10 : _between(_mix(luck, 1), stakeNow / 100);
                all[next++] = FeedbackPool.Settlement(ids[i], who[j], uint32(luck % 1_000_001), reward, penalty);
            }
        }
    }

    function _resized(FeedbackPool.Settlement[] memory all, uint256 length)
        private
        pure
        returns (FeedbackPool.Settlement[] memory out)
    {
        out = new FeedbackPool.Settlement[](length);
        for (uint256 i; i < length && i < all.length; ++i) out[i] = all[i];
    }

    /// @dev What a fine takes: at most what is left of a twentieth of the stake before the round's first fine, and of the stake.
    function _fineOf(uint256 roundId, address validator, uint256 penalty, uint256 held) private returns (uint256 taken) {
        Fines storage f = fines[roundId][validator];
        if (f.taken == 0) f.stakeBefore = held;
        uint256 left = f.stakeBefore / 20 - f.taken;
        taken = penalty < left ? penalty : left;
        if (taken > held) taken = held;
        f.taken += taken;
        f.inCall += taken;
    }

    function _checkSettled(uint256 id) private returns (uint256) {
        (uint96 pot, uint96 paid,,, uint8 unsettled,,) = pool.tasks(id);
        (, uint64 revealDeadline) = _deadlines(id);
        _expect(!settledTasks[id], "a task was settled twice");
        _expect(block.timestamp > revealDeadline, "a task was settled before its reveals were over");
        _expect(unsettled == 0, "a task was settled without all who committed");
        settledTasks[id] = true;
        return pot - paid;
    }

    function _funds() private view returns (uint256) {
        (ModelStore.Model memory model,) = world.registry().getModel(modelId);
        return model.funds;
    }

    function _judgement(uint256 taskId, address validator) private pure returns (uint256) {
        return (taskId << 160) | uint160(validator);
    }

    function _reveal(uint256 taskId, uint256 secret) private pure returns (FeedbackTasks.Reveal memory) {
        return FeedbackTasks.Reveal(taskId, uint8(secret % 3), 50, 60, 70, 80, bytes32(secret));
    }

    function _hash(FeedbackTasks.Reveal memory r, address validator) private pure returns (bytes32) {
        return keccak256(
            abi.encode(r.taskId, validator, r.choice, r.ethics, r.logic, r.functional, r.confidence, r.salt)
        );
    }
}

contract FeedbackPoolTest is Suite {
    FeedbackPoolHandler private handler;

    function setUp() external {
        world = new World();
        uint256 modelId = world.issueMandate(10_000 days);
        uint256 versionId = world.promoteVersion(modelId);
        handler = new FeedbackPoolHandler(world, modelId, versionId);
    }

    function invariant_FeedbackPool() external view {
        _checkViolation();
        handler.checkDisputes();
        FeedbackPool pool = world.feedback();
        uint256 owed = handler.donated();
        for (uint256 id = 1; id <= pool.taskCount(); ++id) {
            (uint96 pot, uint96 paid,,, uint8 unsettled,, bool settled) = pool.tasks(id);
            require(paid <= pot, "a task paid more than its pot");
            require(!settled || unsettled == 0, "a settled task has unsettled judgements");
            if (!settled) owed += pot;
        }
        address[] memory people = handler.everybody();
        uint256 total;
        for (uint256 i; i < people.length; ++i) {
            (uint128 stake, uint64 open,) = pool.validators(people[i]);
            require(pool.stakeAt(people[i], block.number) == stake, "the history of a stake does not end with the stake");
            total += stake;
            uint256 reward = pool.rewards(people[i]);
            owed += stake + reward;
            require(open == handler.unsettledOf(people[i]), "unsettled judgements are counted wrongly");
            require(
                world.token().balanceOf(people[i]) + stake + reward == handler.worth(people[i]),
                "a validator owns more or less than it earned"
            );
        }
        require(pool.totalStakeAt(block.number) == total, "the stakes do not sum to their total");
        require(world.token().balanceOf(address(pool)) == owed, "stakes, pots and rewards are not held");
    }

    function _handler() internal view override returns (Handler) {
        return handler;
    }
}
