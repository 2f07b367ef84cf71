// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ModelGovernor} from "./ModelGovernor.sol";
import {Treasury} from "./Treasury.sol";
import {IEvaluationRegistry} from "./interfaces.sol";
import {ModelStore} from "./models/ModelStore.sol";
import {Proposals} from "./models/Proposals.sol";
import {Versions} from "./models/Versions.sol";

/// @title Proposals with their bonds, mandates with their budgets, stakes, and the versions of each model
contract ModelRegistry is Proposals, Versions {
    constructor(
        IERC20 token_,
        ModelGovernor governor_,
        address timelock_,
        Treasury treasury_,
        IEvaluationRegistry evaluations_,
        address disputes,
        address operator,
        Limits memory limits
    )
        ModelStore(token_, governor_, timelock_, treasury_)
        Proposals(limits)
        Versions(evaluations_, disputes)
    {
        if (operator != address(0)) _grantRole(TRAINER_ROLE, operator);
    }
}
