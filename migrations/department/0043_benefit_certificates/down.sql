alter table documents drop constraint documents_kind, add constraint documents_kind
    check (kind in ('proof_of_address', 'certificate_of_schooling', 'proof_of_age', 'scholarship_notice', 'ase_attestation',
                    'tax_notice', 'pay_slip'));
