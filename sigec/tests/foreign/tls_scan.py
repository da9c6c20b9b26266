"""What sslyze finds at listeners: tls_scan.py ROOT.pem NAME=HOST:PORT...

Each must be as Mozilla's "intermediate" profile wants it, with nothing weaker than TLS 1.2 with ECDHE and AEAD, no early
data and no renegotiation that a client begins. The listener `postgres` is asked for TLS first.
"""

import json
import sys
import warnings
from pathlib import Path

from sslyze import (
    CertificateInfoExtraArgument,
    ProtocolWithOpportunisticTlsEnum,
    ScanCommand,
    ScanCommandsExtraArguments,
    Scanner,
    ServerNetworkConfiguration,
    ServerNetworkLocation,
    ServerScanRequest,
)
from sslyze.mozilla_tls_profile import tls_config_checker
from sslyze.mozilla_tls_profile.tls_config_checker import (
    ServerNotCompliantWithTlsConfiguration,
    TlsConfigurationAsJson,
    check_server_against_tls_configuration,
)

# Of the certificates in the scanner's own stores.
warnings.simplefilter("ignore")

NEVER = ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"]
SUITES = {
    "tls_1_2": {
        f"TLS_ECDHE_ECDSA_WITH_{cipher}"
        for cipher in ("AES_256_GCM_SHA384", "AES_128_GCM_SHA256", "CHACHA20_POLY1305_SHA256")
    },
    "tls_1_3": {
        f"TLS_{cipher}"
        for cipher in ("AES_256_GCM_SHA384", "AES_128_GCM_SHA256", "CHACHA20_POLY1305_SHA256")
    },
}


def found(scan, command):
    attempt = getattr(scan, command)
    assert attempt.status == "COMPLETED", f"{command}: {attempt.error_reason} {attempt.error_trace}"
    return attempt.result


def problems(result, profile):
    """One line for each thing that is not as it should be."""
    assert result.connectivity_status == "COMPLETED", result.connectivity_error_trace
    scan = result.scan_result
    try:
        check_server_against_tls_configuration(result, profile)
    except ServerNotCompliantWithTlsConfiguration as error:
        yield from (f"{what}: {why}" for what, why in error.issues.items())
    for version in NEVER:
        accepted = found(scan, f"{version}_cipher_suites").accepted_cipher_suites
        if accepted:
            yield f"{version} is spoken"
    for version, expected in SUITES.items():
        accepted = found(scan, f"{version}_cipher_suites").accepted_cipher_suites
        names = {suite.cipher_suite.name for suite in accepted}
        if names != expected:
            yield f"{version}: found {sorted(names)}, expected {sorted(expected)}"
    # Behind an SSLRequest the scanner itself stumbles over it.
    if not result.network_configuration.tls_opportunistic_encryption:
        if found(scan, "tls_1_3_early_data").supports_early_data:
            yield "early data is taken"
    if found(scan, "tls_compression").supports_compression:
        yield "compression is offered"
    if found(scan, "heartbleed").is_vulnerable_to_heartbleed:
        yield "Heartbleed"
    if found(scan, "openssl_ccs_injection").is_vulnerable_to_ccs_injection:
        yield "CCS injection"
    renegotiation = found(scan, "session_renegotiation")
    if renegotiation.is_vulnerable_to_client_renegotiation_dos:
        yield "clients may renegotiate"
    if not renegotiation.supports_secure_renegotiation:
        yield "RFC 5746 is not spoken"
    if not found(scan, "tls_extended_master_secret").supports_ems_extension:
        yield "no extended master secret"


def main():
    root, *listeners = sys.argv[1:]
    (file,) = Path(tls_config_checker.__file__).parent.glob("*.json")
    configurations = json.loads(file.read_text())["configurations"]
    profile = TlsConfigurationAsJson(**configurations["intermediate"])
    certificates = CertificateInfoExtraArgument(custom_ca_file=Path(root))
    # Tickets are renewed with each resumption, which the scanner takes for none.
    commands = set(ScanCommand) - {ScanCommand.HTTP_HEADERS, ScanCommand.SESSION_RESUMPTION}
    scanner, names = Scanner(), {}
    requests = []
    for listener in listeners:
        name, address = listener.split("=")
        host, port = address.rsplit(":", 1)
        wire = ProtocolWithOpportunisticTlsEnum.POSTGRES if name == "postgres" else None
        request = ServerScanRequest(
            server_location=ServerNetworkLocation(hostname="localhost", ip_address=host, port=int(port)),
            network_configuration=ServerNetworkConfiguration(
                tls_server_name_indication="localhost", tls_opportunistic_encryption=wire
            ),
            scan_commands=commands,
            scan_commands_extra_arguments=ScanCommandsExtraArguments(certificate_info=certificates),
        )
        names[int(port)] = name
        requests.append(request)
    scanner.queue_scans(requests)
    bad = 0
    for result in scanner.get_results():
        name = names.pop(result.server_location.port)
        wrong = list(problems(result, profile))
        bad += len(wrong)
        print(f"{name}: {'as it should be' if not wrong else 'wrong'}", *wrong, sep="\n  ")
    assert not names, f"not scanned: {names}"
    sys.exit(1 if bad else 0)


main()
