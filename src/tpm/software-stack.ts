/** The TPM software stack (tpm2-tss), inside the processes that load it. */

/**
 * What their environment holds beside their parent's: the stack would write each failure to standard error, in words of
 * its own, beside the fault that we report. Setting TSS2_LOG brings that back.
 */
export const softwareStackSettings: Readonly<Record<string, string>> = {
  TSS2_LOG: process.env.TSS2_LOG ?? 'all+NONE',
};
