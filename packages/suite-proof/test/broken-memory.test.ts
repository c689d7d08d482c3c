import { describeBroken } from './broken.ts';

describeBroken('memory');
