// The functions about sealed secrets and their policies, as JavaScript calls them. A secret is an object that stands for
// bytes nobody in JavaScript sees (../src/secret.h); either addon takes those of the other.

#pragma once

#include <napi.h>

namespace writ::tpm {

// pcrPolicy(connection, pcrs, pcrDigest) -> digest
Napi::Value pcr_policy_function(const Napi::CallbackInfo& info);

// statePolicy(connection, pcrs, pcrDigest, counter, highest) -> digest
Napi::Value state_policy_function(const Napi::CallbackInfo& info);

// authorityPolicy(connection, point, policyRef) -> digest
Napi::Value authority_policy_function(const Napi::CallbackInfo& info);

// seal(connection, secret, policy) -> {publicArea, privateArea, parentName}
Napi::Value seal_function(const Napi::CallbackInfo& info);

// unsealUnderPcrs(connection, publicArea, privateArea, parentName, pcrs, pcrDigest) -> secret
Napi::Value unseal_under_pcrs_function(const Napi::CallbackInfo& info);

// unsealApproved(connection, publicArea, privateArea, parentName, pcrs, pcrDigest, counter, highest, point, policyRef,
// signature) -> secret
Napi::Value unseal_approved_function(const Napi::CallbackInfo& info);

}  // namespace writ::tpm
