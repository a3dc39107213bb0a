export const CERTIFICATE_TYPES = ['user_authentication', 'digital_signature'];
//# sourceMappingURL=certificate-status.js.map