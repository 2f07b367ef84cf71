// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {DatanetRegistry} from "../src/DatanetRegistry.sol";
import {Disputes} from "../src/Disputes.sol";
import {EvaluationRegistry} from "../src/EvaluationRegistry.sol";
import {FeedbackPool} from "../src/FeedbackPool.sol";
import {GOpen} from "../src/GOpen.sol";
import {Guardian} from "../src/Guardian.sol";
import {InferenceMarket} from "../src/InferenceMarket.sol";
import {ModelGovernor} from "../src/ModelGovernor.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {TimelockController} from "../src/TimelockController.sol";
import {Treasury} from "../src/Treasury.sol";
import {Target} from "../src/interfaces.sol";
import {Mandates} from "../src/models/Mandates.sol";
import {ModelStore} from "../src/models/ModelStore.sol";
import {vm} from "./Vm.sol";

/// @title Every contract, deployed as `contracts/deploy.ts` does, with times that a random sequence of calls often passes
contract World {
    uint256 public constant DELAY = 100;
    uint256 public constant PERIOD = 1_000;
    uint256 public constant WITHDRAWAL_DELAY = 300;
    uint256 public constant WINDOW = 500;
    uint256 public constant EPOCH_BLOCKS = 16;
    uint256 public constant PUBLISHER_BOND = 3 ether;
    uint256 public constant SCORING_FEE = 0.5 ether;
    bytes32 private constant RUBRIC = keccak256("rubric");

    address public immutable operator = vm.addr(1);
    address public immutable resolver = vm.addr(2);
    address public immutable pauser = vm.addr(3);
    address private immutable proposer = vm.addr(4);

    GOpen public token;
    TimelockController public timelock;
    Guardian public guardian;
    ModelGovernor public governor;
    Treasury public treasury;
    ModelRegistry public registry;
    EvaluationRegistry public evaluations;
    DatanetRegistry public datanets;
    FeedbackPool public feedback;
    InferenceMarket public market;
    RewardDistributor public distributor;
    Disputes public disputes;

    constructor() {
        vm.warp(1_800_000_000);
        vm.roll(1_000);
        _deployGovernance();
        _deployMoney();
    }

    /// @notice Gives an account gOPEN and approves it for everybody who may take it.
    function enrich(address account, uint256 amount) public {
        vm.deal(account, amount);
        vm.startPrank(account);
        token.deposit{value: amount}();
        token.approve(address(registry), type(uint256).max);
        token.approve(address(datanets), type(uint256).max);
        token.approve(address(feedback), type(uint256).max);
        token.approve(address(market), type(uint256).max);
        token.approve(address(distributor), type(uint256).max);
        token.approve(address(disputes), type(uint256).max);
        vm.stopPrank();
    }

    /// @notice Takes a model without a budget from its proposal to its mandate, which ends after `lifetime` seconds.
    function issueMandate(uint256 lifetime) external returns (uint256 modelId) {
        enrich(proposer, 1_000 ether);
        vm.startPrank(proposer);
        token.lock(900 ether);
        token.delegate(proposer);
        vm.warp(block.timestamp + 1);
        modelId = registry.propose(keccak256("specification"), "artifact:specification", terms(lifetime), 10 ether);
        (address[] memory targets, uint256[] memory values, bytes[] memory calls, string memory description) =
            registry.proposalActions(modelId);
        uint256 proposalId = governor.propose(targets, values, calls, description);
        vm.warp(block.timestamp + DELAY + 1);
        governor.castVote(proposalId, 1);
        vm.warp(block.timestamp + PERIOD + 1);
        governor.queue(targets, values, calls, keccak256(bytes(description)));
        vm.warp(block.timestamp + DELAY + 1);
        governor.execute(targets, values, calls, keccak256(bytes(description)));
        vm.stopPrank();
    }

    /// @notice Registers a version of a model, evaluates and promotes it.
    function promoteVersion(uint256 modelId) external returns (uint256 versionId) {
        vm.startPrank(operator);
        versionId = registry.registerVersion(
            modelId, 0, "lora", keccak256("dataset"), keccak256("manifest"), keccak256("adapter")
        );
        EvaluationRegistry.Metric[] memory metrics = new EvaluationRegistry.Metric[](1);
        metrics[0] = EvaluationRegistry.Metric("accuracy", 800_000, 750_000, 850_000, 100);
        evaluations.log(versionId, RUBRIC, metrics, keccak256("log"));
        vm.stopPrank();
        registry.promote(versionId);
    }

    function terms(uint256 lifetime) public view returns (ModelStore.Terms memory out) {
        Target[] memory targets = new Target[](1);
        targets[0] = Target("accuracy", 700_000, false);
        out.rubricHash = RUBRIC;
        out.deadline = uint64(block.timestamp + lifetime);
        out.targets = targets;
        out.split.owner = 10_000;
    }

    function _at(uint256 index) private view returns (address) {
        return vm.computeCreateAddress(address(this), 1 + index);
    }

    function _deployGovernance() private {
        ModelGovernor governor_ = ModelGovernor(payable(_at(3)));
        token = new GOpen(governor_);
        address[] memory self = new address[](1);
        self[0] = address(governor_);
        timelock = new TimelockController(DELAY, self, self, _at(2));
        guardian = new Guardian(timelock, address(governor_), pauser, 500);
        governor =
            new ModelGovernor(token, timelock, uint48(DELAY), uint32(PERIOD), 1 ether, 10, uint48(DELAY));
        treasury = new Treasury(token, address(timelock), 5_000, 1 days);
    }

    function _deployMoney() private {
        address timelock_ = address(timelock);
        evaluations = EvaluationRegistry(_at(6));
        datanets = DatanetRegistry(_at(7));
        feedback = FeedbackPool(_at(8));
        distributor = RewardDistributor(_at(10));
        disputes = Disputes(_at(11));
        registry = new ModelRegistry(
            token,
            governor,
            timelock_,
            treasury,
            evaluations,
            address(disputes),
            operator,
            Mandates.Limits(10 ether, 5_000, guardian)
        );
        new EvaluationRegistry(registry, timelock_, operator);
        new DatanetRegistry(token, registry, disputes, address(treasury), timelock_, operator, 400, SCORING_FEE);
        new FeedbackPool(token, registry, disputes, address(treasury), timelock_, operator, 5 ether);
        market = new InferenceMarket(token, registry, distributor, WITHDRAWAL_DELAY);
        RewardDistributor.Epochs memory epochs = RewardDistributor.Epochs(WINDOW, EPOCH_BLOCKS, PUBLISHER_BOND);
        new RewardDistributor(token, disputes, guardian, address(treasury), timelock_, operator, epochs);
        new Disputes(
            token,
            registry,
            datanets,
            feedback,
            distributor,
            address(treasury),
            timelock_,
            guardian,
            resolver,
            2 ether,
            Disputes.Times(600, 2_000, 200)
        );
    }
}
